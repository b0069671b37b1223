"""Training works below p* and fails above it."""

from __future__ import annotations

import pytest

from benchmarks import calibration


def test_training_works_below_the_threshold_and_fails_above() -> None:
    steps = calibration.training(seed=3)
    assert {each["step"] < 0 for each in steps} == {True, False}
    for each in steps:
        if each["step"] < 0:
            assert each["accuracy"] >= 0.9, each
        else:
            assert each["accuracy"] <= 0.1, each


@pytest.mark.bench
def test_coverage_is_counted_for_every_estimate() -> None:
    found = calibration.coverage(runs=4, rows=100, seed=1)
    assert list(found) == list(calibration.NAMES)
    assert all(0.7 <= each["mean"] <= 1.0 for each in found.values())
