from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.features import near_pairs

Vectors = NDArray[np.float32]
Table = NDArray[np.float64]


def table(queries: Vectors, references: Vectors) -> Table:
    """All RMS distances, the plain way."""
    gap = queries[:, None].astype(np.float64) - references[None].astype(np.float64)
    distances: Table = np.sqrt(np.square(gap).mean(axis=2))
    return distances


def groups(pairs: NDArray[np.int64], count: int) -> list[int]:
    """The lowest row of the group of each row."""
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    _, first = np.unique(group, return_index=True)
    lowest: list[int] = first[group].tolist()
    return lowest


def kinds(seed: int) -> Iterator[Vectors]:
    """Vectors of noise, in clusters, with many copies, and with many equal distances."""
    draw = np.random.default_rng(seed)
    yield draw.random((150, 30), dtype=np.float32)
    centres = draw.random((6, 90), dtype=np.float32)[draw.integers(0, 6, 150)]
    yield (centres + draw.normal(0, 0.05, centres.shape)).astype(np.float32)
    yield draw.random((12, 100), dtype=np.float32)[draw.integers(0, 12, 150)]
    yield (draw.random((150, 80)) > 0.9).astype(np.float32)
    yield (100 + draw.random((150, 70))).astype(np.float32)


@pytest.mark.slow
@given(seed=st.integers(0, 1 << 20), share=st.sampled_from([0.0, 0.01, 0.1, 0.5]))
@settings(max_examples=12, deadline=None)
def test_pairs_and_groups_are_those_of_the_whole_table(seed: int, share: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_pairs, "TILE", 16)  # many tiles
        patch.setattr(near_pairs, "PAIRS", 8)  # groups are joined while pairs are found
        for vectors in kinds(seed):
            distances = table(vectors, vectors)
            apart = distances[np.triu_indices(len(vectors), 1)]
            radius = float(np.quantile(apart, share)) + 1e-9
            expected = np.argwhere(distances <= radius)
            left, right, distance = near_pairs.within(vectors, vectors, radius)
            assert sorted(zip(left, right, strict=True)) == list(map(tuple, expected))
            assert np.allclose(distance, distances[left, right], rtol=2**-22, atol=0)
            assert np.array_equal(np.lexsort((right, distance, left)), np.arange(len(left)))
            linked = near_pairs.linked(vectors, radius)
            assert groups(linked, len(vectors)) == groups(expected, len(vectors))
            assert len(linked) == len(vectors) - len(set(groups(expected, len(vectors))))


def test_bytes_are_shares_of_255() -> None:
    draw = np.random.default_rng(1)
    pixels = draw.integers(0, 256, (200, 300)).astype(np.uint8)
    pixels[100:] = np.clip(
        pixels[:100].astype(np.int64) + draw.integers(-9, 10, (100, 300)), 0, 255
    )
    floats = np.divide(pixels, np.float32(255), dtype=np.float32)
    for own, other in zip(
        near_pairs.within(pixels[:50], pixels, 0.03),
        near_pairs.within(floats[:50], floats, 0.03),
        strict=True,
    ):
        assert np.array_equal(own, other)
    linked = near_pairs.linked(pixels, 0.03)
    assert linked.tolist() == [[row, row + 100] for row in range(100)]
    assert np.array_equal(linked, near_pairs.linked(floats, 0.03))


def test_equal_rows_are_near_at_distance_zero() -> None:
    vectors = np.tile(np.random.default_rng(0).random((3, 20), dtype=np.float32), (2, 1))
    left, right, distance = near_pairs.within(vectors[:3], vectors, 0)
    assert left.tolist() == [0, 0, 1, 1, 2, 2]
    assert right.tolist() == [0, 3, 1, 4, 2, 5]
    assert not distance.any()


def test_rows_that_are_not_finite_are_near_to_nothing() -> None:
    vectors = np.array([[0, 0], [np.nan, 0], [np.inf, 1], [3, 4]], dtype=np.float32)
    left, right, distance = near_pairs.within(vectors, vectors, 10)
    assert left.tolist() == [0, 0, 3, 3]
    assert right.tolist() == [0, 3, 3, 0]
    assert distance.tolist() == pytest.approx([0, np.sqrt(12.5), 0, np.sqrt(12.5)])
    assert near_pairs.linked(vectors, 10).tolist() == [[0, 3]]


def test_numbers_whose_squares_overflow_are_compared_in_full() -> None:
    vectors = np.zeros((3, 200), dtype=np.float32)
    vectors[1:] = 3e19
    vectors[2, 0] = 2e19
    left, right, distance = near_pairs.within(vectors, vectors, 1e18)
    assert list(zip(left, right, strict=True)) == [(0, 0), (1, 1), (1, 2), (2, 2), (2, 1)]
    assert distance[2] == pytest.approx(1e19 / np.sqrt(200))


def test_without_references_or_columns_nothing_is_near() -> None:
    some, none = np.zeros((2, 3), np.float32), np.zeros((0, 3), np.float32)
    empty = np.zeros((2, 0), np.float32)
    for queries, references in ((some, none), (none, some), (empty, empty)):
        assert [len(column) for column in near_pairs.within(queries, references, 1)] == [0, 0, 0]
        assert near_pairs.linked(references, 1).tolist() == [[0, 1]] * (references is some)
