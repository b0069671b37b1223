"""The share of wrong rows by a judge that errs: as Lee et al. have it, and as often right."""

from __future__ import annotations

import numpy as np
import pytest

from expectations import judge_error
from expectations.calibration import Counts
from expectations.errors import CalibrationError


def test_the_interval_is_that_of_the_formula() -> None:
    """p = 420/600, q1 = 92/100, q0 = 85/100; worked out by hand from the formula of the paper."""
    found = judge_error.wrong_share(Counts(100, 92, 100, 15), kept=420, candidates=600)
    assert found.value == pytest.approx((0.92 - 0.70) / (0.92 - 0.15))
    assert (found.low, found.high) == pytest.approx((0.20460513, 0.35672808), abs=1e-7)


def test_the_interval_covers_as_often_as_it_says() -> None:
    random, held, draws = np.random.default_rng(0), 0, 2_000
    error, keep_right, keep_wrong = 0.15, 0.95, 0.30
    for _ in range(draws):
        wrong = random.binomial(600, error)
        kept = random.binomial(600 - wrong, keep_right) + random.binomial(wrong, keep_wrong)
        counts = Counts(
            100, random.binomial(100, keep_right), 100, random.binomial(100, keep_wrong)
        )
        found = judge_error.wrong_share(counts, kept=kept, candidates=600)
        held += found.low <= error <= found.high
    assert 0.935 <= held / draws <= 0.985


def test_a_judge_that_keeps_all_alike_tells_nothing() -> None:
    found = judge_error.wrong_share(Counts(50, 25, 50, 25), kept=300, candidates=600)
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)
    with pytest.raises(CalibrationError, match="cannot be"):
        judge_error.wrong_share(Counts(50, 25, 50, 25), kept=1, candidates=0)


def test_an_audit_is_divided_by_what_the_judge_does_to_either_kind() -> None:
    pilot = Counts(40, 40, 40, 10)
    divided = judge_error.allocate(pilot, kept=570, candidates=600, rows=400)
    share = (570 + judge_error.Z**2 / 2) / (600 + judge_error.Z**2)
    expected = 400 / (1 + (1 / share - 1) * np.sqrt(11))
    assert (divided.right, divided.wrong) == (round(expected), 400 - round(expected))
    few = judge_error.allocate(pilot, kept=600, candidates=600, rows=400)
    assert few.wrong == 40
    with pytest.raises(CalibrationError, match="cannot be divided"):
        judge_error.allocate(pilot, kept=5, candidates=10, rows=1)


@pytest.mark.parametrize(("error", "right", "wrong"), [(0.05, 0.9, 0.2), (0.4, 0.98, 0.35)])
def test_the_division_gives_no_wider_an_interval_than_halves(
    error: float, right: float, wrong: float
) -> None:
    kept = round(6_000 * ((1 - error) * right + error * wrong))

    def width(m1: int, m0: int) -> float:
        counts = Counts(m1, round(m1 * right), m0, round(m0 * wrong))
        found = judge_error.wrong_share(counts, kept=kept, candidates=6_000)
        return found.high - found.low

    pilot = Counts(200, round(200 * right), 200, round(200 * wrong))
    divided = judge_error.allocate(pilot, kept=kept, candidates=6_000, rows=1_000)
    assert width(divided.right, divided.wrong) <= 1.02 * width(500, 500)
