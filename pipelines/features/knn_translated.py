"""Exact nearest neighbours of images at the best of small translations.

A copy that was moved by a pixel is far from its original in every pixel. So two images are compared
on the part that they share at each translation, with mean and root mean square of this part taken
out. Half the square of this distance is 1 less the normalised cross-correlation (Lewis 1995, Fast
Normalized Cross-Correlation), so the least distance is where the correlation is largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features import closest, image_style, knn

REACH: Final = 2
"""Pixels by which images are moved at most, in either direction."""
PART: Final = 4
"""Part of a side that is the most as well: an image of 4 pixels is moved by one."""
CELLS: Final = 1 << 22
"""Pixels of references that are cut and levelled at once, so that memory does not grow with them:
65,536 images of 64 pixels, or 4,096 of 1,024."""

Vectors = NDArray[np.float32]
Shape = tuple[int, ...]
Window = tuple[slice, slice]


def nearest(
    queries: Vectors, references: Vectors, shape: Shape, k: int
) -> tuple[knn.Distances, knn.Rows]:
    """Find the k closest references of each query, each at the translation that suits it best.

    Args:
        queries: [n, d] pixels, or pixels without style.
        references: [m, d].
        shape: height and width of the images, and channels if there are any; its product is d.
        k: Number of neighbours, at least 1.

    Returns:
        Distances and reference rows, [n, k] each, the closest first; NaN and -1 where there are
        fewer than k. A distance is the RMS of differences once the parts of both images have mean 0
        and RMS 1, in [0, 2]. Time is that of `knn.nearest`, once for each translation; memory is
        that of a block of `CELLS` pixels.
    """
    found = [(np.full((len(queries), k), np.nan), np.full((len(queries), k), -1, dtype=np.int64))]
    for block in closest.slices(len(references), max(k, CELLS // references.shape[1])):
        some = references[block]
        for ours, theirs in translations(shape):
            near, at = knn.nearest(_part(queries, shape, ours), _part(some, shape, theirs), k)
            found.append((near, np.where(at < 0, at, at + block.start)))
        distances, rows = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
        found = [_best(distances, rows, k)]
    return found[0]


def translations(shape: Shape) -> Iterator[tuple[Window, Window]]:
    """List the windows in which a query and a reference are compared, (2·reach + 1)² pairs."""
    height, width = shape[:2]
    down, right = (min(REACH, side // PART) for side in (height, width))
    for rows, columns in product(range(-down, down + 1), range(-right, right + 1)):
        ours, theirs = zip(_shared(height, rows), _shared(width, columns), strict=True)
        yield ours, theirs


def _shared(side: int, by: int) -> tuple[slice, slice]:
    """What two lines of pixels share where the second is moved by so many: of either its part."""
    return slice(max(0, by), side + min(0, by)), slice(max(0, -by), side + min(0, -by))


def _part(vectors: Vectors, shape: Shape, window: Window) -> Vectors:
    """Cut a window out of images, and take its style out: [n, pixels of the window]."""
    cut = vectors.reshape(len(vectors), *shape)[:, window[0], window[1]]
    return image_style.neutral(np.ascontiguousarray(cut).reshape(len(vectors), -1))


def _best(distances: knn.Distances, rows: knn.Rows, k: int) -> tuple[knn.Distances, knn.Rows]:
    """Keep the k closest of [n, c] candidates, no reference twice."""
    order = np.lexsort((rows, distances), axis=1)
    near, at = np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
    places = range(at.shape[1])
    repeated = [(at[:, :place] == at[:, place : place + 1]).any(axis=1) for place in places]
    near = np.where(np.stack(repeated, axis=1) | (at < 0), np.nan, near)
    order = np.argsort(near, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(near, order, axis=1)
    found = np.where(np.isnan(best), -1, np.take_along_axis(at, order, axis=1))
    return best, found
