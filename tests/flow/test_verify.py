"""Stage verify with suites that compare a round with real data, and ask for its lineage."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from expectations import suite as suites
from expectations.errors import SuiteError
from pipelines import verify, work
from tests.flow.projects import Project

BASE = suites.place("tiny")


def judged(project: Project, *rules: dict[str, Any]) -> pl.DataFrame:
    """Verdicts of round 2 by these expectations besides those that are there."""
    place = project.root / BASE
    content = json.loads(place.read_text(encoding="utf-8"))
    content["expectations"] += rules
    place.write_text(json.dumps(content), encoding="utf-8")
    at = work.open_round("tiny-2")
    suite = suites.load(place)
    _, found = verify.judge(at, suite, at.receipt("generate").commit, at.receipt("fit").commit)
    return found.verdicts


def rule(name: str, kind: str, **kwargs: object) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "meta": {"name": name}, "severity": "warning"}


def present(column: str) -> dict[str, Any]:
    return rule(f"{column}_there", "expect_column_values_to_not_be_null", column=column)


def test_a_round_is_compared_with_real_rows_and_by_its_lineage(copied: Project) -> None:
    found = judged(
        copied,
        *(present(each) for each in ("image_bytes", "real_inputs", "depth_max")),
        rule(
            "coverage",
            "expect_rows_coverage_to_be_between",
            column_list=["image_bytes"],
            min_ratio=0.0,
        ),
        rule(
            "distances",
            "expect_column_kolmogorov_smirnov_to_be_between",
            column="real_distance",
            max_value=1.0,
        ),
        rule(
            "shares", "expect_column_class_share_ratios_to_be_between", column="label", max_value=5
        ),
        rule(
            "share", "expect_column_real_share_to_be_between", column="real_inputs", min_value=0.01
        ),
        rule("depth", "expect_column_depth_to_be_between", column="depth_max", max_value=2.0),
    )
    table = {row["expectation"]: row for row in found.filter(pl.col("row").is_null()).to_dicts()}
    assert set(table) == {"coverage", "distances", "shares", "share", "depth"}
    assert {row["verdict"] for row in table.values()} == {"passed"}
    assert 0 < table["distances"]["observed"] <= 1
    assert table["depth"]["observed"] == 2.0


def test_a_score_that_real_rows_lack_is_a_wrong_suite(copied: Project) -> None:
    with pytest.raises(SuiteError, match=r"column of the real rows 'confidence' is unknown"):
        judged(
            copied,
            present("confidence"),
            rule(
                "sure",
                "expect_column_kolmogorov_smirnov_to_be_between",
                column="confidence",
                max_value=1.0,
            ),
        )
