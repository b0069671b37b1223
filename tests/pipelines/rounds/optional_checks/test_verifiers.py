"""Checks of what a suite does over rounds, and of which expectation refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lineage.evidence import PastRound
from lineage.limits import Limits
from pipelines.rounds.guard_checks import CheckResult
from pipelines.rounds.optional_checks import verifiers
from tests.lineage.digits import HEALTHY

LIMITS = Limits()


def past(number: int, pull: float | None, recall: float) -> PastRound:
    ends = {} if pull is None else {"low": pull - 0.01, "high": pull + 0.01}
    figures = {
        "verifier_pull": {"value": pull, **ends},
        "recall": {"value": recall, "null": 0.8},
    }
    return PastRound(number, "gan", {}, {"round": figures})


def pulled(*history: PastRound) -> CheckResult:
    return verifiers.VerifierPull().judge(
        replace(HEALTHY, history=history), LIMITS, verifiers.VerifierPullSettings()
    )


def test_confidence_that_rises_while_recall_falls_is_warned_of() -> None:
    found = pulled(past(1, 0.02, 0.8), past(2, 0.08, 0.6))
    assert found.value == pytest.approx(0.06)
    assert found.verdict == "warn"
    assert "recall is 0.75 of that of real rows (round 1: 1.00)" in found.detail


@pytest.mark.parametrize(("pull", "recall"), [(0.08, 0.76), (0.03, 0.4), (0.035, 0.4), (-0.2, 0.4)])
def test_one_without_the_other_passes(pull: float, recall: float) -> None:
    assert pulled(past(1, 0.02, 0.8), past(2, pull, recall)).verdict == "pass"


def test_a_first_round_and_one_without_the_figure_are_not_measured() -> None:
    assert pulled(past(2, 0.1, 0.5)).verdict == "not measured"
    assert "first round" in pulled(past(2, 0.1, 0.5)).detail
    assert pulled(past(1, 0.1, 0.5), past(2, None, 0.5)).verdict == "not measured"
    assert pulled().verdict == "not measured"


def refused(counts: dict[str, int] | None, rejected: int = 300) -> CheckResult:
    about = replace(HEALTHY, refusals=counts, counts={"candidates": 600, "rejected": rejected})
    settings = verifiers.RejectionConcentrationSettings()
    return verifiers.RejectionConcentration().judge(about, LIMITS, settings)


def test_refusals_by_one_expectation_alone_are_warned_of_where_many_are_refused() -> None:
    one = refused({"right": 190, "near": 10})
    assert one.value == pytest.approx(0.95**2 + 0.05**2)
    assert one.verdict == "warn"
    assert (
        one.detail == "0.50 of the candidates are rejected; of 200 refusals: right 0.95, near 0.05"
    )
    assert refused({"right": 190, "near": 10}, rejected=100).verdict == "pass"
    assert refused({"right": 60, "near": 40}).verdict == "pass"


def test_few_refusals_say_nothing_and_unread_verdicts_are_not_measured() -> None:
    assert refused({"right": 19}).verdict == "not applicable"
    assert refused({}).verdict == "not applicable"
    assert refused(None).verdict == "not measured"
