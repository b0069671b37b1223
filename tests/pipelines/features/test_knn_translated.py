"""Nearest images at the best of small translations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.features import image_style, knn, knn_translated

SHAPE = (8, 9)
REFERENCES = np.random.default_rng(1).random((30, *SHAPE)).astype(np.float32)


def flat(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1)


def moved(images: NDArray[np.float32], down: int, right: int) -> NDArray[np.float32]:
    """Move images, with other pixels where nothing comes in."""
    found = np.roll(images, (down, right), axis=(1, 2))
    found[:, slice(0, down) if down > 0 else slice(len(found[0]) + down, None)] = 0.7
    found[:, :, slice(0, right) if right > 0 else slice(SHAPE[1] + right, None)] = 0.2
    return found


@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, -1), (-2, 2), (2, 1)])
def test_a_moved_copy_in_another_contrast_is_its_original(down: int, right: int) -> None:
    copies = 0.1 + 0.5 * moved(REFERENCES, down, right)
    distances, rows = knn_translated.nearest(flat(copies), flat(REFERENCES), SHAPE, 2)
    assert rows[:, 0].tolist() == list(range(30))
    assert distances[:, 0].max() < 1e-5
    assert distances[:, 1].min() > 0.5
    ours, theirs = (image_style.neutral(flat(each)) for each in (copies, REFERENCES))
    assert knn.nearest(ours, theirs, 1)[0].min() > 0.5


def test_the_distance_is_that_of_the_largest_correlation() -> None:
    """Compared with the definition, translation by translation."""
    queries = np.random.default_rng(2).random((5, *SHAPE)).astype(np.float32)
    distances, rows = knn_translated.nearest(flat(queries), flat(REFERENCES), SHAPE, 3)
    for query, found, at in zip(queries, distances, rows, strict=True):
        best = np.asarray([_least(query, each) for each in REFERENCES])
        assert at.tolist() == np.argsort(best)[:3].tolist()
        assert np.allclose(found, np.sort(best)[:3], atol=1e-5)


def _least(query: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """√(2 − 2ρ) with the largest correlation ρ over translations by at most two pixels."""
    height, width = SHAPE
    correlations = []
    for down in range(-2, 3):
        for right in range(-2, 3):
            ours = query[max(0, down) : height + down, max(0, right) : width + right]
            theirs = reference[max(0, -down) : height - down, max(0, -right) : width - right]
            correlations.append(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])
    return float(np.sqrt(2 - 2 * max(correlations)))


def test_no_reference_comes_twice_and_small_images_stay() -> None:
    distances, rows = knn_translated.nearest(flat(REFERENCES[:4]), flat(REFERENCES[:2]), SHAPE, 3)
    assert [sorted(each) for each in rows.tolist()] == [[-1, 0, 1]] * 4
    assert np.isnan(distances[:, 2]).all()
    assert len(list(knn_translated.translations((8, 8, 3)))) == 25
    assert len(list(knn_translated.translations((4, 3)))) == 3
    colours = np.random.default_rng(3).random((6, 8 * 8 * 3)).astype(np.float32)
    assert knn_translated.nearest(colours, colours, (8, 8, 3), 1)[1].ravel().tolist() == [*range(6)]
