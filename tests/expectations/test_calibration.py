"""Keep rates, candidate error and threshold of a verifier, and what their intervals promise."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from expectations import calibration
from expectations.calibration import Calibration, Counts
from expectations.errors import CalibrationError

P, PHI, PSI = (0.05, 0.2, 0.4), (0.7, 0.9, 0.97), (0.05, 0.2, 0.5)
ROWS = 400
RUNS = 60


def test_wilson_is_the_textbook_interval() -> None:
    found = calibration.wilson(81, 263)  # Newcombe 1998, table I
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_of_nothing_nothing_is_known() -> None:
    found = calibration.wilson(0, 0)
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_estimates_are_shares() -> None:
    found = calibration.audited(Counts(correct=300, correct_kept=270, wrong=100, wrong_kept=30))
    assert found.keep_correct.value == 0.9
    assert found.keep_wrong.value == 0.3
    assert found.error.value == 0.25
    assert found.threshold.value == pytest.approx(0.75)
    assert found.enough is True


@pytest.mark.parametrize(
    ("counts", "enough"),
    [
        (Counts(correct=100, correct_kept=50, wrong=300, wrong_kept=150), False),
        (Counts(correct=200, correct_kept=180, wrong=200, wrong_kept=180), None),
        (Counts(correct=20, correct_kept=18, wrong=0, wrong_kept=0), True),
        (Counts(correct=0, correct_kept=0, wrong=0, wrong_kept=0), None),
        (Counts(correct=390, correct_kept=390, wrong=10, wrong_kept=0), True),
    ],
)
def test_enough_only_where_the_intervals_lie_apart(counts: Counts, enough: bool | None) -> None:
    assert calibration.audited(counts).enough is enough


def test_planted_errors_give_the_error_among_candidates() -> None:
    p, phi, psi = 0.3, 0.95, 0.1
    kept = round(1000 * ((1 - p) * phi + p * psi))
    counts = Counts(correct=1000, correct_kept=950, wrong=1000, wrong_kept=100)
    found = calibration.planted(counts, kept=kept, candidates=1000)
    assert found.error.value == pytest.approx(p, abs=1e-9)
    assert found.error.low < p < found.error.high
    again = calibration.planted(counts, kept=kept, candidates=1000)
    assert found == again


def test_a_verifier_that_tells_nothing_apart_leaves_the_error_unknown() -> None:
    counts = Counts(correct=100, correct_kept=50, wrong=100, wrong_kept=50)
    found = calibration.planted(counts, kept=50, candidates=100)
    assert (found.error.low, found.error.high) == (0.0, 1.0)
    assert found.enough is None


@pytest.mark.parametrize(
    "counts", [(1, 2, 0, 0), (1, 1, 1, 2), (1, -1, 0, 0)], ids=["correct", "wrong", "negative"]
)
def test_counts_that_cannot_be_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(CalibrationError, match="kept"):
        Counts(*counts)


@pytest.mark.parametrize(("kept", "candidates"), [(1, 0), (5, 4), (-1, 4)])
def test_candidates_that_cannot_be_are_refused(kept: int, candidates: int) -> None:
    with pytest.raises(CalibrationError, match="cannot be"):
        calibration.planted(Counts(1, 1, 1, 0), kept=kept, candidates=candidates)


@pytest.mark.parametrize(
    "extreme", [(10, 0, 10, 0), (10, 10, 10, 10), (10, 0, 10, 10), (1, 1, 1, 0)]
)
def test_extreme_counts_have_intervals_in_order(extreme: tuple[int, int, int, int]) -> None:
    found = calibration.audited(Counts(*extreme))
    for each in (found.keep_correct, found.keep_wrong, found.error, found.threshold):
        assert 0.0 <= each.low <= (each.low if each.value is None else each.value) + 1e-12
        assert (each.high if each.value is None else each.value) <= each.high + 1e-12
        assert each.high <= 1.0
        assert not math.isnan(each.low + each.high)


@pytest.mark.simulation
def test_intervals_cover_the_truth_as_often_as_they_promise() -> None:
    """Over 27 verifiers: 95 ± 2 % of the intervals of φ, ψ, p and p* hold the truth."""
    random = np.random.default_rng(8)
    covered = []
    for p, phi, psi in itertools.product(P, PHI, PSI):
        truth = (phi, psi, p, phi / (phi + psi))
        covered += [_covers(_audit(random, p, phi, psi), truth) for _ in range(RUNS)]
    share = np.mean(covered, axis=0)
    assert np.all(np.abs(share - 0.95) <= 0.02), share


def _audit(random: np.random.Generator, p: float, phi: float, psi: float) -> Calibration:
    wrong = int(random.binomial(ROWS, p))
    return calibration.audited(
        Counts(
            correct=ROWS - wrong,
            correct_kept=int(random.binomial(ROWS - wrong, phi)),
            wrong=wrong,
            wrong_kept=int(random.binomial(wrong, psi)),
        )
    )


def _covers(found: Calibration, truth: tuple[float, ...]) -> list[bool]:
    each = (found.keep_correct, found.keep_wrong, found.error, found.threshold)
    return [one.low <= true <= one.high for one, true in zip(each, truth, strict=True)]


def test_where_no_wrong_row_was_seen_the_error_is_bounded_and_has_no_value() -> None:
    counts = Counts(correct=400, correct_kept=399, wrong=0, wrong_kept=0)
    found = calibration.planted(counts, kept=400, candidates=400).error
    assert (found.value, found.low) == (None, 0.0)
    assert found.high < 0.1
