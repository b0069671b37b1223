"""A forest finds copies among many rows, and what it finds of other rows is near and exact."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.features import images, knn, knn_forest


@pytest.fixture(autouse=True)
def small_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn_forest, "LEAF", 32)


def clustered(rows: int, columns: int = 100) -> NDArray[np.uint8]:
    """Rows around few centres, of which the second half are nearly copies of the first."""
    draw = np.random.default_rng(3)
    centres = draw.integers(0, 200, (5, columns))[draw.integers(0, 5, rows // 2)]
    first = centres + draw.integers(0, 40, centres.shape)
    copies = first + draw.integers(-2, 3, first.shape)
    return np.clip(np.concatenate([first, copies]), 0, 255).astype(np.uint8)


def test_copies_are_found_and_other_neighbours_are_near() -> None:
    pixels = clustered(2_000)
    distances, rows = knn_forest.nearest(pixels, pixels, 2, seed=1, skip_self=True)
    copy_of = (np.arange(len(pixels)) + len(pixels) // 2) % len(pixels)
    assert (rows[:, 0] == copy_of).mean() > 0.999
    vectors = images.to_unit(pixels)
    exact, _ = knn.nearest(vectors, vectors, 2, skip_self=True)
    assert (distances >= exact - 1e-12).all()
    assert np.mean(distances[:, 1] / exact[:, 1]) < 1.05
    apart = vectors.astype(np.float64) - vectors[rows[:, 1]].astype(np.float64)
    assert distances[:, 1] == pytest.approx(np.sqrt(np.square(apart).mean(axis=1)))


def test_queries_are_compared_with_other_rows() -> None:
    pixels = clustered(1_000)
    queries, references = pixels[500:], pixels[:500]
    distances, rows = knn_forest.nearest(queries, references, 1, seed=1)
    assert (rows[:, 0] == np.arange(500)).mean() > 0.995
    assert knn_forest.nearest(queries[:0], references, 1, seed=1)[1].shape == (0, 1)
    assert (distances[:, 0] < 0.01).mean() > 0.995


def test_few_rows_are_compared_exactly_and_what_is_missing_is_nan() -> None:
    pixels = clustered(30)
    vectors = images.to_unit(pixels)
    found, exact = (
        knn_forest.nearest(pixels, pixels, 3, seed=1, skip_self=True),
        knn.nearest(vectors, vectors, 3, skip_self=True),
    )
    assert np.array_equal(found[0], exact[0])
    assert np.array_equal(found[1], exact[1])
    distances, rows = knn_forest.nearest(pixels[:2], pixels[:2], 2, seed=1, skip_self=True)
    assert rows.tolist() == [[1, -1], [0, -1]]
    assert np.isnan(distances[:, 1]).all()


def test_equal_rows_are_neighbours_at_no_distance() -> None:
    pixels = np.repeat(clustered(2, 20), 200, axis=0)
    distances, rows = knn_forest.nearest(pixels, pixels, 2, seed=1, skip_self=True)
    assert not distances.any()
    assert (rows != np.arange(400)[:, None]).all()
    assert (rows[:, 0] != rows[:, 1]).all()
