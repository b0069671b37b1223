"""Clipped density and coverage of ten rows on a line, as worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from expectations.measures import clipped
from expectations.measures.manifold import recall

REAL = np.arange(10, dtype=np.float64)[:, None]
"""Their fifth neighbours are 5, 4, 3, 3, 3, 3, 3, 3, 4, 5 away; the median is 3."""


def at(*places: float) -> NDArray[np.float64]:
    return np.asarray(places, dtype=np.float64)[:, None]


def test_density_is_of_clipped_balls_over_that_of_real_rows() -> None:
    # Others within 3 of real rows: 3, 4, 5, 6, 6, 6, 6, 5, 4, 3, so 8.8 of 10 after clipping at 5.
    half = at(*[4.5] * 5, *[100.0] * 5)  # six balls hold 4.5, none 100
    assert clipped.density(REAL, half) == pytest.approx(0.5 / 0.88)
    assert clipped.density(REAL, at(4.5, 4.5)) == 1
    assert clipped.density(REAL, at(100)) == 0
    assert clipped.density(REAL, REAL) == 1


def test_a_far_outlier_does_not_make_bad_rows_good() -> None:
    outlying = np.concatenate([REAL, at(500.0)])
    assert clipped.density(outlying, at(250.0, 400.0)) == 0


def test_coverage_is_the_share_of_good_rows_that_cover_as_much() -> None:
    # Expected cover of m good rows: m rows, each in half of the ten balls, over five: m/10.
    assert clipped.expected_coverage(10, 3) == pytest.approx([0, 0.1, 0.2, 0.3])
    # 4.5 lies in all ten balls and 9 in three, so u = 13/50, more than m = 0, 1, 2 of 0 to 10.
    few = at(4.5, 9.0, *[100.0] * 8)
    assert clipped.coverage(REAL, few) == pytest.approx(3 / 11)
    assert clipped.coverage(REAL, at(*[100.0] * 10)) == 0
    assert clipped.coverage(REAL, REAL) == 1


def test_too_few_real_rows_have_no_coverage() -> None:
    assert np.isnan(clipped.coverage(REAL[:5], REAL))
    assert np.isnan(clipped.density(at(0, 0, 0, 0, 0, 9)[[0]], REAL))


def test_both_fall_by_the_share_of_bad_rows_where_recall_does_not() -> None:
    draw = np.random.default_rng(3)
    real, good = draw.normal(size=(2, 400, 3))
    bad = good.copy()
    bad[:200] = draw.normal(30, 1, size=(200, 3))
    assert clipped.coverage(real, good) == pytest.approx(1, abs=0.15)
    assert clipped.coverage(real, bad) == pytest.approx(0.5, abs=0.1)
    assert clipped.density(real, bad) == pytest.approx(0.5, abs=0.1)
    assert recall(real, bad) > 0.85
