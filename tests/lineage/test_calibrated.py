"""The guard's check of the verifier: bounds against each other, and what a missing audit does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lineage import guard
from tests.lineage.digits import HEALTHY, check


def calibration(error: float | None, threshold: float | None) -> dict[str, Any]:
    """A calibration with an upper bound of p and a lower bound of p*."""
    ends = {"value": 0.5, "low": 0.1, "high": 0.9}
    return {
        "suite": "ab" * 32,
        "source": "sheet",
        "round": 2,
        "kind": None,
        "keep_correct": ends,
        "keep_wrong": ends,
        "error": {**ends, "high": error},
        "threshold": {**ends, "low": threshold},
    }


def judged(found: dict[str, Any] | None, **limits: Any) -> guard.Check:
    return check(replace(HEALTHY, calibration=found), "verifier_calibration", **limits)


@pytest.mark.parametrize(
    ("error", "threshold", "value", "verdict"),
    [
        (0.3, 0.6, 0.5, "pass"),
        (0.59, 0.6, 0.59 / 0.6, "pass"),
        (0.61, 0.6, 0.61 / 0.6, "block"),
        (1.0, 0.0, 1000.0, "block"),
        (None, 0.6, None, "block"),
        (0.3, None, None, "block"),
    ],
)
def test_the_upper_bound_of_p_must_not_exceed_the_lower_bound_of_the_threshold(
    error: float | None, threshold: float | None, value: float | None, verdict: str
) -> None:
    found = judged(calibration(error, threshold))
    assert found.verdict == verdict
    assert found.value == (None if value is None else pytest.approx(value))


def test_evidence_names_the_four_and_the_suite() -> None:
    said = judged(calibration(0.3, 0.6)).evidence
    for part in ("φ 0.500", "ψ 0.500", "p 0.500 (0.100 to 0.300)", "p* 0.500 (0.600 to 0.900)"):
        assert part in said
    assert "suite abababababab" in said
    assert "audit by a person, round 2" in said


def test_evidence_names_the_file_and_what_is_left_out() -> None:
    place = {"place": "digits/calibration/ab/planted-001.json", "digest": "ef" * 32}
    found = calibration(0.3, 0.6) | place | {"void": 3, "unsigned": 1, "unreadable": 2}
    said = judged(found | {"signed_by": "0123456789abcdef"}).evidence
    assert said.endswith(
        "; digits/calibration/ab/planted-001.json, SHA-256 efefefefefef, signed by "
        "0123456789abcdef; 3 of other suites or settings are void, 1 that no signed merge brought "
        "do not count, 2 cannot be read"
    )
    assert "signed by" not in judged(found).evidence
    never = judged({"suite": "cd" * 32, "void": 0, "unsigned": 1, "unreadable": 0}).evidence
    assert never == (
        "not calibrated for suite cdcdcdcdcdcd; 1 that no signed merge brought do not count: run "
        "`stemma verifier audit digits`"
    )


@pytest.mark.parametrize("verdict", ["pass", "warn", "block"])
@pytest.mark.parametrize("found", [None, {"suite": "cd" * 32, "void": 2}])
def test_a_suite_that_was_never_audited(found: dict[str, Any] | None, verdict: str) -> None:
    answer = judged(found, calibration_missing=verdict)
    said = "not measured" if verdict == "pass" else verdict
    assert (answer.verdict, answer.value) == (said, None)
    assert "run `stemma verifier audit digits`" in answer.evidence
    assert ("2 of other suites or settings are void" in answer.evidence) == (found is not None)


def test_without_a_word_about_it_a_round_goes_on() -> None:
    assert judged(None).verdict == "not measured"
