"""Checks of figures beside those of real rows: they warn below their limit and below chance."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from lineage.limits import Limits
from pipelines.rounds.guard_checks import CheckResult
from pipelines.rounds.optional_checks import beside_real
from pipelines.rounds.optional_checks.beside_real import BesideReal, BesideRealSettings
from tests.lineage.digits import HEALTHY


def judged(
    check: BesideReal, entry: object, warn: float | None = 0.8, **metrics: Any
) -> CheckResult:
    figures = {check.part: {check.figure: entry}} | metrics
    about = replace(HEALTHY, metrics=figures)
    return check.judge(about, Limits(), BesideRealSettings(warn=warn))


PLAIN = [
    beside_real.ClippedDensity(),
    beside_real.ClippedCoverage(),
    beside_real.TrainingDistance(),
    beside_real.MeaningVariety(),
]


@pytest.mark.parametrize("check", PLAIN, ids=lambda check: check.name)
def test_a_figure_warns_below_its_limit_and_below_chance(check: BesideReal) -> None:
    found = judged(check, {"value": 0.6, "null": 0.9, "null_low": 0.8})
    assert found.value == pytest.approx(2 / 3)
    assert found.verdict == "warn"
    assert found.limit == "warn <0.8"
    assert judged(check, {"value": 0.75, "null": 0.9, "null_low": 0.8}).verdict == "pass"
    assert judged(check, {"value": 0.6, "null": 0.9, "null_low": 0.5}).verdict == "pass"


def test_entropy_is_told_as_the_scale_of_an_axis() -> None:
    check = beside_real.Entropy()
    entry = {"value": 2 - 4 * math.log(2), "null": 2.0, "null_low": 1.9, "dimensions": 4}
    found = judged(check, entry)
    assert found.value == pytest.approx(0.5)
    assert found.verdict == "warn"
    assert judged(check, {**entry, "value": 1.95}).verdict == "pass"
    assert judged(check, {**entry, "value": 1e9}).verdict == "pass"
    assert judged(check, {**entry, "dimensions": None}).verdict == "not measured"


@pytest.mark.parametrize(
    "entry", [None, {}, {"value": 0.5}, {"value": 1, "null": 0, "null_low": 0}]
)
def test_a_figure_that_is_not_there_is_not_measured_and_no_pass(entry: object) -> None:
    for check in (*PLAIN, beside_real.Entropy()):
        found = judged(check, entry)
        assert found.verdict == "not measured"
        assert f"`{check.metric}`" in found.detail


def test_a_figure_that_the_data_cannot_have_is_not_applicable() -> None:
    reason = {"meaning_variety": "the rows are no texts"}
    found = judged(beside_real.MeaningVariety(), {"value": None}, not_applicable=reason)
    assert found.verdict == "not applicable"
    assert "the rows are no texts" in found.detail


def test_each_figure_has_a_limit_that_suits_it() -> None:
    for check in PLAIN:
        found = judged(check, {"value": check.warns_below - 0.01, "null": 1, "null_low": 0.9}, None)
        assert found.verdict == "warn"
        assert found.limit == f"warn <{check.warns_below:g}"
        above = {"value": check.warns_below + 0.01, "null": 1, "null_low": 0.9}
        assert judged(check, above, None).verdict == "pass"


def test_rows_that_are_edits_by_their_lineage_are_near_on_purpose() -> None:
    near = {"value": 0.2, "null": 1.0, "null_low": 0.9}
    figures = {"round": {"training_distance": near}}
    kinds = pl.Series("kind", ["edited", *["synthetic"] * 9])
    lineage = HEALTHY.lineage.head(10).with_columns(kinds)
    about = replace(HEALTHY, metrics=figures, lineage=lineage)
    check, limits = beside_real.TrainingDistance(), Limits()
    found = check.judge(about, limits, BesideRealSettings())
    assert found.verdict == "not applicable"
    assert "0.10 of the accepted rows are edits" in found.detail
    assert (
        check.judge(replace(about, lineage=lineage[1:]), limits, BesideRealSettings()).value == 0.2
    )
