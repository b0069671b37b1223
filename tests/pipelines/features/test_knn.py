from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.features import knn

GRIDS = st.integers(0, 3).flatmap(
    lambda levels: st.lists(
        st.lists(st.integers(0, levels), min_size=3, max_size=3), min_size=1, max_size=40
    )
)
"""Rows of few values, so that many distances are equal."""


def by_sorting(
    queries: NDArray[np.float32], references: NDArray[np.float32], k: int, *, skip_self: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The same from the whole table of distances, one query after the other."""
    distances = np.full((len(queries), k), np.nan)
    rows = np.full((len(queries), k), -1)
    for number, query in enumerate(queries):
        gap = np.sqrt(((query.astype(float) - references.astype(float)) ** 2).mean(axis=1))
        if skip_self:
            gap[number] = np.inf
        order = [row for row in np.argsort(gap, kind="stable") if np.isfinite(gap[row])][:k]
        distances[number, : len(order)], rows[number, : len(order)] = gap[order], order
    return distances, rows


@given(rows=GRIDS, others=GRIDS, k=st.integers(1, 6), skip_self=st.booleans())
@settings(max_examples=60, deadline=None)
def test_ties_go_to_the_lower_row(
    rows: list[list[int]], others: list[list[int]], k: int, *, skip_self: bool
) -> None:
    queries = np.array(rows, dtype=np.float32)
    references = queries if skip_self else np.array(others, dtype=np.float32)
    expected = by_sorting(queries, references, k, skip_self=skip_self)
    nearest = knn.nearest(queries, references, k, block_rows=7, skip_self=skip_self)
    assert np.array_equal(nearest[1], expected[1])
    assert np.allclose(nearest[0], expected[0], rtol=0, atol=1e-12, equal_nan=True)


def test_more_ties_than_spare_candidates_still_go_to_the_lower_row() -> None:
    corners = np.eye(50, dtype=np.float32)  # all at the same distance from each other
    distances, rows = knn.nearest(corners, corners, 2, skip_self=True)
    assert rows[:3].tolist() == [[1, 2], [0, 2], [0, 1]]
    assert (rows[3:] == [0, 1]).all()
    assert np.allclose(distances, np.sqrt(2 / 50), rtol=0, atol=1e-12)


def test_copies_of_one_row_are_told_apart_by_their_row() -> None:
    vectors = np.tile(np.random.default_rng(0).random((3, 20), dtype=np.float32), (200, 1))
    distances, rows = knn.nearest(vectors, vectors, 2, skip_self=True)
    assert rows[:4].tolist() == [[3, 6], [4, 7], [5, 8], [0, 6]]
    assert rows[-1].tolist() == [2, 5]
    assert not distances.any()


def test_rows_that_are_not_finite_have_no_neighbours_and_are_nobodys() -> None:
    vectors = np.array([[0, 0], [np.nan, 0], [np.inf, 1], [3, 4]], dtype=np.float32)
    distances, rows = knn.nearest(vectors, vectors, 2)
    assert rows.tolist() == [[0, 3], [-1, -1], [-1, -1], [3, 0]]
    assert distances[0].tolist() == pytest.approx([0, np.sqrt(12.5)])
    assert np.isnan(distances[[1, 2]]).all()


def test_without_references_or_columns_there_are_no_neighbours() -> None:
    some, none = np.zeros((2, 3), np.float32), np.zeros((0, 3), np.float32)
    empty = np.zeros((2, 0), np.float32)
    for queries, references in ((some, none), (none, some), (empty, empty)):
        distances, rows = knn.nearest(queries, references, 2)
        assert rows.tolist() == [[-1, -1]] * len(queries)
        assert np.isnan(distances).all()


def clustered(draw: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    centres = draw.random((9, columns), dtype=np.float32)[draw.integers(0, 9, rows)]
    return (centres + draw.normal(0, 0.03, centres.shape)).astype(np.float32)


@pytest.mark.parametrize("columns", [40, 300])
@pytest.mark.parametrize(
    "make",
    [
        lambda draw, rows, columns: draw.random((rows, columns), dtype=np.float32),
        clustered,
        lambda draw, rows, columns: draw.random((30, columns), dtype=np.float32)[
            draw.integers(0, 30, rows)
        ],
        lambda draw, rows, columns: (draw.random((rows, columns)) > 0.9).astype(np.float32),
        lambda draw, rows, columns: (1e4 + draw.random((rows, columns))).astype(np.float32),
    ],
    ids=["random", "clustered", "copies", "ties", "far from zero"],
)
def test_what_is_passed_over_is_no_neighbour(
    make: Callable[[np.random.Generator, int, int], NDArray[np.float32]], columns: int
) -> None:
    vectors = make(np.random.default_rng(columns), 700, columns)
    expected = by_sorting(vectors[:60], vectors, 3, skip_self=True)
    distances, rows = knn.nearest(vectors, vectors, 3, skip_self=True)
    assert np.allclose(distances[:60], expected[0], rtol=1e-12, atol=1e-12)
    differs = rows[:60] != expected[1]  # equal but for the last bit, which a sum's order decides
    assert np.allclose(distances[:60][differs], expected[0][differs], rtol=1e-14, atol=0)
    assert differs.mean() < 0.2
