"""What replacement costs by formulas, of cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lineage import drift


def test_a_budget_is_the_product_of_what_each_mix_leaves() -> None:
    assert drift.budget([2, 4]) == pytest.approx(1 / 2 * 3 / 4)
    assert drift.budget([]) == 1
    assert drift.budget([1]) == 0


def test_an_effective_number_counts_equal_parts_as_they_are() -> None:
    assert drift.effective_number([3.0, 3.0, 3.0]) == pytest.approx(3)
    assert drift.effective_number([1, 1, 2]) == pytest.approx(8 / 3)
    assert drift.effective_number([0.0]) is None
    assert drift.concentration([3, 1]) == pytest.approx(10 / 16)
    assert drift.concentration([]) is None


def test_lines_of_one_row_lose_a_class_as_a_coin_falls() -> None:
    times = drift.loss_times(0.5, 1, np.random.default_rng(0), 3)
    assert set(times) == {1.0, np.inf}
    assert (times == 1).mean() == pytest.approx(0.5, abs=0.04)
    assert drift.quantile(times, 0.1) == 1
    assert drift.quantile(times, 0.9) is None


def test_lines_are_followed_no_longer_than_asked() -> None:
    times = drift.loss_times(0.5, 1000, np.random.default_rng(0), latest=5)
    assert np.isinf(times).all()
