from __future__ import annotations

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


@pytest.mark.parametrize("cells", [1, 1 << 22])
def test_more_ties_than_spare_candidates_still_go_to_the_lower_row(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knn, "EXHAUSTIVE_CELLS", cells)
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
    left, right, distance = knn.within(vectors, vectors, 10)
    assert left.tolist() == [0, 0, 3, 3]
    assert right.tolist() == [0, 3, 3, 0]
    assert distance.tolist() == pytest.approx([0, np.sqrt(12.5), 0, np.sqrt(12.5)])


def test_without_references_or_columns_there_are_no_neighbours() -> None:
    some, none = np.zeros((2, 3), np.float32), np.zeros((0, 3), np.float32)
    empty = np.zeros((2, 0), np.float32)
    for queries, references in ((some, none), (none, some), (empty, empty)):
        distances, rows = knn.nearest(queries, references, 2)
        assert rows.tolist() == [[-1, -1]] * len(queries)
        assert np.isnan(distances).all()
        assert [len(column) for column in knn.within(queries, references, 1)] == [0, 0, 0]


def test_pairs_within_a_radius_are_those_of_the_whole_table() -> None:
    draw = np.random.default_rng(1)
    vectors = draw.random((300, 20), dtype=np.float32)
    vectors[200] = vectors[10]
    vectors[201] = vectors[10] + np.float32(0.01)
    table = np.sqrt(
        ((vectors[:, None].astype(float) - vectors[None].astype(float)) ** 2).mean(axis=2)
    )
    radius = float(np.quantile(table[np.triu_indices(300, 1)], 0.02))
    expected = np.argwhere(np.triu(table <= radius, 1))
    pairs = knn.pairs_within(vectors, radius)
    assert len(expected) > 500
    assert sorted(map(tuple, pairs)) == sorted(map(tuple, expected))
    left, right, distance = knn.within(vectors[:50], vectors, radius)
    assert np.array_equal(np.lexsort((right, distance, left)), np.arange(len(left)))
    assert np.allclose(distance, table[left, right], rtol=0, atol=1e-7)
