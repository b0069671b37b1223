"""Near-duplicate images, by the Hamming distance of perceptual hashes of 64 bits, exactly.

Two hashes that differ in at most d bits agree in at least one of d + 1 bands (pigeonhole), so only
hashes that agree in a band are compared, and none is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import image_files
from lineage.ancestry.compiling import compiled
from lineage.errors import ImageFileError
from pipelines.common import optional
from pipelines.features.text_similarity import Told

if TYPE_CHECKING:
    from PIL import Image

Method = Literal["phash", "dhash", "average_hash", "whash"]
BITS: Final = 64
EACH: Final = 1024
"""Images after which progress is told."""


class Near(NamedTuple):
    """The closest hash of each, [n]; where none is near, distance -1 and row -1."""

    distance: NDArray[np.int64]
    row: NDArray[np.int64]


def hashes(
    column: pl.Series, method: Method, told: Told | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Perceptual hashes of images of any size and mode.

    Args:
        column: struct{bytes, path}, n rows.
        method: a function of the library ImageHash.
        told: is told how many are done, and of how many.

    Returns:
        [n] hashes, and [n] whether the image could be read; without limits on mode or shape, but on
        formats and size as everywhere.

    Raises:
        LibraryError: ImageHash is not installed.
    """
    hasher = getattr(optional.library("imagehash", "near-duplicates of images"), method)
    bits = np.zeros((len(column), BITS), dtype=np.bool_)
    readable = np.zeros(len(column), dtype=np.bool_)
    for at, item in enumerate(column):
        found = _hash(hasher, item)
        if found is not None:
            bits[at], readable[at] = found, True
        if told and (at % EACH == EACH - 1 or at + 1 == len(column)):
            told(at + 1, len(column))
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0], readable


def nearest(left: NDArray[np.uint64], right: NDArray[np.uint64], within: int) -> Near:
    """The closest of `right` to each of `left`, ties by the lower row.

    Args:
        left: [n] hashes.
        right: [m] hashes.
        within: greatest distance.
    """
    known, first = np.unique(right, return_index=True)
    distance, row = _nothing(len(left))
    if not len(known):
        return Near(distance, row)
    by_row = np.argsort(first)
    known, first = known[by_row], first[by_row]  # ties by the lower row
    for mask in masks(within):
        keys = known & mask
        order = np.argsort(keys, kind="stable")
        low, high = (np.searchsorted(keys[order], left & mask, side=s) for s in ("left", "right"))
        compiled(scan)(left, known, order, low, high, within, distance, row)
    return Near(distance, np.where(row >= 0, first[row], -1))


def among(found: NDArray[np.uint64], within: int, *, earlier: bool) -> tuple[Near, NDArray[Any]]:
    """The closest other hash of each, and the smallest row of its group.

    Args:
        found: [n] hashes.
        within: greatest distance.
        earlier: of each, only earlier ones count as closest.

    Returns:
        The closest, ties by the lower row; and [n] groups of hashes that are linked by such pairs.
    """
    known, first, again = np.unique(found, return_index=True, return_inverse=True)
    by_row = np.argsort(first)
    place = np.argsort(by_row)[again]
    known, first = known[by_row], first[by_row]
    distance, other = _nothing(len(known))
    group = np.arange(len(known))
    for mask in masks(within):
        keys = known & mask
        order = np.argsort(keys, kind="stable")
        ends = np.searchsorted(keys[order], keys[order], side="right")
        compiled(scan_each)(known, order, ends, within, earlier, distance, other, group)
    near = Near(distance[place], np.where(other >= 0, first[other], -1)[place])
    return _same(near, first[place], earlier=earlier), first[group][place]


def masks(within: int) -> list[np.uint64]:
    """The bits of each band, as many bands as find all pairs at this distance."""
    parts = np.array_split(np.arange(BITS), within + 1)
    return [np.uint64(sum(1 << int(bit) for bit in part)) for part in parts]


def _nothing(count: int) -> Near:
    return Near(np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64))


def _same(near: Near, first: NDArray[np.int64], *, earlier: bool) -> Near:
    """The closest, where equal hashes are: the first of them, for the first the second."""
    rows = np.arange(len(first))
    again = np.flatnonzero(first < rows)
    near.distance[again], near.row[again] = 0, first[again]
    if not earlier:
        owners, at = np.unique(first[again], return_index=True)
        near.distance[owners], near.row[owners] = 0, again[at]
    return near


def _hash(hasher: Any, item: dict[str, Any] | None) -> NDArray[np.bool_] | None:  # noqa: ANN401
    """The bits of an image's hash; None where the image is missing or cannot be read."""

    def read(image: Image.Image) -> NDArray[np.bool_]:
        bits: NDArray[np.bool_] = hasher(image.convert("RGB").convert("L")).hash.reshape(-1)
        return bits

    try:
        return image_files.decode(item["bytes"] if item else None, read)
    except ImageFileError:
        return None


def scan(  # noqa: PLR0917  compiled code takes arrays by position
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    order: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    within: int,
    distance: NDArray[np.int64],
    row: NDArray[np.int64],
) -> None:
    """Compare each of `left` with those of its band; fill in what is closer, ties by the lower."""
    for at in range(len(left)):
        for place in range(low[at], high[at]):
            other = order[place]
            bits = left[at] ^ right[other]
            count = 0
            while bits and count <= within:
                bits &= bits - np.uint64(1)
                count += 1
            better = distance[at] < 0 or count < distance[at]
            better = better or (count == distance[at] and other < row[at])
            if not bits and count <= within and better:
                distance[at], row[at] = count, other


def scan_each(  # noqa: C901, PLR0917  compiled code takes arrays by position, and calls nothing
    known: NDArray[np.uint64],
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    within: int,
    earlier: bool,
    distance: NDArray[np.int64],
    row: NDArray[np.int64],
    group: NDArray[np.int64],
) -> None:
    """Compare each hash with the later ones of its band; join the groups of near ones.

    `group` is a forest in which each points to a lower row (Tarjan 1975, path halving); at the end
    all point to their root.
    """
    for place in range(len(order)):
        one = order[place]
        for after in range(place + 1, ends[place]):
            two = order[after]
            bits = known[one] ^ known[two]
            count = 0
            while bits and count <= within:
                bits &= bits - np.uint64(1)
                count += 1
            if bits or count > within:
                continue
            if distance[two] < 0 or (count, one) < (distance[two], row[two]):
                distance[two], row[two] = count, one
            if not earlier and (distance[one] < 0 or (count, two) < (distance[one], row[one])):
                distance[one], row[one] = count, two
            first, second = one, two
            while group[first] != first:
                group[first] = group[group[first]]
                first = group[first]
            while group[second] != second:
                group[second] = group[group[second]]
                second = group[second]
            group[max(first, second)] = min(first, second)
    for at in range(len(group)):
        group[at] = group[group[at]]
