"""Stage verify with suites that compare a round with real data, and ask for its lineage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from expectations import suite as suites
from expectations.errors import BatchError, SuiteError
from pipelines.inquiry import verdicts_again
from pipelines.rounds import context, tables
from pipelines.verification import round_judging, stored_suite
from tests.flow.projects import Project, tiny

JUDGED = ("image_bytes", "real_distance", "label", "real_inputs", "depth_max")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose first round has candidates; the current directory."""
    project = tiny(tmp_path_factory.mktemp("made") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.run("lake", "")
        project.run("ingest", "tiny")
        project.round("tiny-1", "fit", "generate")
        yield project
    project.drop_lake()


def judged(project: Project, *rules: dict[str, Any]) -> pl.DataFrame:
    """Verdicts of round 1 by these expectations."""
    place = project.root / "suite.json"
    place.write_text(json.dumps({"name": "s", "expectations": rules}), encoding="utf-8")
    at = context.open_context("tiny-1")
    suite = suites.load(place)
    generated, pinned = at.receipt("generate").commit, at.receipt("fit").commit
    return pl.concat(round_judging.score(at, suite, generated, pinned).verdicts(suite))


def rule(name: str, kind: str, **kwargs: object) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "meta": {"name": name}, "severity": "warning"}


def present(column: str) -> dict[str, Any]:
    return rule(f"{column}_there", "expect_column_values_to_not_be_null", column=column)


def test_a_round_is_compared_with_real_rows_and_by_its_lineage(made: Project) -> None:
    found = judged(
        made,
        *(present(each) for each in JUDGED),
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
    assert table["depth"]["observed"] == 1.0


def test_verdicts_are_given_again_from_what_the_lake_holds(made: Project) -> None:
    rules = [
        *(present(each) for each in JUDGED),
        rule(
            "distances",
            "expect_column_kolmogorov_smirnov_to_be_between",
            column="real_distance",
            max_value=1.0,
        ),
        rule(
            "coverage",
            "expect_rows_coverage_to_be_between",
            column_list=["image_bytes"],
            min_ratio=0.0,
        ),
        rule("depth", "expect_column_depth_to_be_between", column="depth_max", max_value=2.0),
        rule("far", "expect_column_values_to_be_between", column="real_distance", min_value=99.0),
    ]
    place = suites.place("tiny")
    before = place.read_text(encoding="utf-8")
    place.write_text(json.dumps({"name": "s", "expectations": rules}), encoding="utf-8")
    try:
        made.round("tiny-1", "verify")
        suite = suites.load(place)
    finally:
        place.write_text(before, encoding="utf-8")
    lake = made.lake()
    verified = lake.resolve("tiny-r001")
    assert stored_suite.read(lake, verified.id, "tiny", 1) == suite
    compared = stored_suite.real_scores(lake, verified.id, "tiny", 1)
    assert compared is not None
    assert compared.columns == ["round", "row", "real_distance"]
    again = verdicts_again.judge(lake, verified, "tiny", 1)
    assert isinstance(again, pl.DataFrame)
    assert again.equals(tables.read_round(lake, verified.id, "tiny", "verdicts", 1))
    assert set(again["verdict"]) == {"passed", "failed"}
    older = replace(verified, metadata={**verified.metadata, "stemma.versions": "{}"})
    told = verdicts_again.judge(lake, older, "tiny", 1)
    assert str(told).startswith("other versions than those of this release gave these verdicts: ")


@pytest.mark.parametrize(
    ("column", "kind", "said"),
    [
        ("candidate_distance", BatchError, "real rows has a value in column 'candidate_distance'"),
        ("real_inputs", SuiteError, "column of the real rows 'real_inputs' is unknown"),
    ],
)
def test_what_real_rows_lack_cannot_be_compared(
    made: Project, column: str, kind: type[Exception], said: str
) -> None:
    ks = "expect_column_kolmogorov_smirnov_to_be_between"
    with pytest.raises(kind, match=said):
        judged(made, present(column), rule("like_real", ks, column=column, max_value=1.0))
