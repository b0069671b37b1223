"""Figures of tables: columns, their association, and whole rows, against real ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.metrics import table_fidelity
from pipelines.metrics.table_fidelity import Column


def columns(seed: int, count: int = 400) -> dict[str, Column]:
    """Two numbers that go together, a category that follows one of them, and a free one."""
    draw = np.random.default_rng(seed)
    size = draw.normal(size=count)
    return {
        "size": size,
        "weight": size + draw.normal(size=count) / 4,
        "kind": np.asarray(["big" if each > 0 else "small" for each in size], dtype=object),
        "town": draw.choice(np.asarray(["x", "y", None], dtype=object), count),
    }


def shuffled(rows: dict[str, Column]) -> dict[str, Column]:
    """The same columns, each in an order of its own: all associations are lost."""
    draw = np.random.default_rng(9)
    return {name: draw.permutation(each) for name, each in rows.items()}


def test_real_rows_are_near_and_independent_columns_are_found() -> None:
    real = columns(1)
    near = table_fidelity.figures(columns(2), real, 1)
    far = table_fidelity.figures(shuffled(columns(2)), real, 1)
    assert near["ks"] < 0.1
    assert near["tv"] < 0.1
    assert near["association"] < 0.06
    assert near["c2st"] == pytest.approx(0.5, abs=0.1)
    assert far["ks"] == near["ks"]
    assert far["association"] > 0.4
    assert far["c2st"] > 0.85


def test_figures_of_single_columns_have_their_known_values() -> None:
    real = {"n": np.asarray([1.0, 2.0, 3.0, 4.0]), "c": np.asarray(["a", "a", "b", None])}
    rows = {"n": np.asarray([3.0, 4.0, 5.0, np.nan]), "c": np.asarray(["a", "b", "c", "c"])}
    found = table_fidelity.marginals(rows, real, 1)
    assert found["ks"] == pytest.approx(0.5)
    assert found["tv_worst"] == pytest.approx((0.25 + 0 + 0.25 + 0.5) / 2)
    assert found["tv"] == pytest.approx((0.5 + 0.25) / 2)


def test_measures_of_association_have_their_known_values() -> None:
    one = np.asarray(["a", "a", "b", "b"])
    assert table_fidelity.cramers_v(one, one) == pytest.approx(1)
    assert table_fidelity.cramers_v(one, np.asarray(["x", "y", "x", "y"])) == 0
    assert table_fidelity.cramers_v(one, np.asarray(["x"] * 4)) == 0
    # 2 × 2 table [[30, 10], [10, 30]]: chi² = 20 of 80 rows
    left = np.repeat(["a", "b"], 40)
    right = np.asarray(["x"] * 30 + ["y"] * 10 + ["x"] * 10 + ["y"] * 30)
    assert table_fidelity.cramers_v(left, right) == pytest.approx(0.5)
    numbers = np.asarray([1.0, 3.0, 5.0, 7.0])
    assert table_fidelity.correlation_ratio(one, numbers) == pytest.approx(math.sqrt(16 / 20))
    assert table_fidelity.correlation_ratio(one, np.ones(4)) == 0
    assert table_fidelity.correlation(numbers, -(numbers**3)) == pytest.approx(1)
    assert table_fidelity.correlation(numbers, np.ones(4)) == 0


def test_a_column_without_numbers_on_one_side_is_as_far_as_can_be() -> None:
    none, some = {"n": np.full(4, np.nan)}, {"n": np.asarray([1.0, 2.0, 3.0, 4.0])}
    assert table_fidelity.marginals(none, some, 1)["ks"] == 1
    assert table_fidelity.marginals(none, none, 1)["ks"] == 0
    assert table_fidelity.marginals(none, some, 1)["tv"] == 1
    assert math.isnan(table_fidelity.marginals(none, none, 1)["association"])
