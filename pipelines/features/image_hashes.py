"""Find near-duplicate images by the Hamming distance of perceptual hashes of 64 bits, exactly.

Two hashes that differ in at most d bits agree in at least one of d + 1 bands (pigeonhole), so only
hashes that agree in a band are compared, and none is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import decoded_images, image_files
from lineage.ancestry.compiling import compiled
from lineage.errors import ImageFileError
from pipelines.features.text_similarity import Progress

if TYPE_CHECKING:
    from PIL import Image

Method = Literal["phash", "dhash", "average_hash", "whash"]
BITS: Final = 64
REPORT_EVERY: Final = 1024
"""Images between two reports of progress."""


class Near(NamedTuple):
    """The closest hash of each of n hashes; distance -1 and row -1 where none is near."""

    distance: NDArray[np.int64]
    row: NDArray[np.int64]


def hashes(
    column: pl.Series, method: Method, progress: Progress | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Compute perceptual hashes of images of any size and mode.

    Args:
        column: struct{bytes, path}, n rows.
        method: Name of a hash function of the library ImageHash.
        progress: Is called with the number of images that are done, and with their total.

    Returns:
        [n] hashes; and [n] whether the image could be read, within the limits of
        `lineage.image_files`.
    """
    import imagehash  # noqa: PLC0415  slow to import

    hasher = getattr(imagehash, method)
    bits = np.zeros((len(column), BITS), dtype=np.bool_)
    readable = np.zeros(len(column), dtype=np.bool_)
    for done, item in enumerate(column, 1):
        own_bits = _hash(hasher, item)
        if own_bits is not None:
            bits[done - 1], readable[done - 1] = own_bits, True
        if progress and (done % REPORT_EVERY == 0 or done == len(column)):
            progress(done, len(column))
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0], readable


def nearest(left: NDArray[np.uint64], right: NDArray[np.uint64], within: int) -> Near:
    """Find the closest hash of `right` to each hash of `left`, ties by the lower row.

    Args:
        left: [n] hashes.
        right: [m] hashes.
        within: Greatest distance, in bits.
    """
    distinct, first = np.unique(right, return_index=True)
    distance, row = _none_near(len(left))
    if not len(distinct):
        return Near(distance, row)
    by_row = np.argsort(first)
    distinct, first = distinct[by_row], first[by_row]  # ties by the lower row
    for mask in masks(within):
        keys = distinct & mask
        order = np.argsort(keys, kind="stable")
        low, high = (np.searchsorted(keys[order], left & mask, side=s) for s in ("left", "right"))
        compiled(scan)(left, distinct, order, low, high, within, distance, row)
    return Near(distance, np.where(row >= 0, first[row], -1))


def among(values: NDArray[np.uint64], within: int, *, earlier: bool) -> tuple[Near, NDArray[Any]]:
    """Find the closest other hash of each hash, and the groups that near hashes form.

    Args:
        values: [n] hashes.
        within: Greatest distance, in bits.
        earlier: Only earlier rows count as the closest of a hash.

    Returns:
        The closest, ties by the lower row; and [n] the smallest row of the group of each hash. A
        group is linked by pairs of near hashes.
    """
    distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    by_row = np.argsort(first)
    number = np.argsort(by_row)[inverse]
    distinct, first = distinct[by_row], first[by_row]
    distance, other = _none_near(len(distinct))
    group = np.arange(len(distinct))
    for mask in masks(within):
        keys = distinct & mask
        order = np.argsort(keys, kind="stable")
        ends = np.searchsorted(keys[order], keys[order], side="right")
        compiled(scan_each)(distinct, order, ends, within, earlier, distance, other, group)
    near = Near(distance[number], np.where(other >= 0, first[other], -1)[number])
    return _with_equal_hashes(near, first[number], earlier=earlier), first[group][number]


def earlier_pairs(column: pl.Series, within: int, method: Method = "phash") -> NDArray[np.int64]:
    """Find for each image the earlier one whose hash is closest.

    Args:
        column: struct{bytes, path}, n rows; an image that cannot be read has no pair.
        within: Greatest distance, in bits.
        method: As in `hashes`.

    Returns:
        [pairs, 2] row numbers, the lower one first; at most one pair for each image.
    """
    values, readable = hashes(column, method)
    rows = np.flatnonzero(readable)
    near, _ = among(values[rows], within, earlier=True)
    has_pair = near.row >= 0
    return np.stack([rows[near.row[has_pair]], rows[has_pair]], axis=1).astype(np.int64)


def masks(within: int) -> list[np.uint64]:
    """Make the bit mask of each band, with as many bands as find all pairs at this distance."""
    parts = np.array_split(np.arange(BITS), within + 1)
    return [np.uint64(sum(1 << int(bit) for bit in part)) for part in parts]


def _none_near(count: int) -> Near:
    return Near(np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64))


def _with_equal_hashes(near: Near, first: NDArray[np.int64], *, earlier: bool) -> Near:
    """Set the closest of rows with equal hashes: the first of them; of the first, the second.

    Args:
        near: [n], what is closest among different hashes; changed in place.
        first: [n], the first row with the same hash.
        earlier: Only earlier rows count as the closest, so the first keeps what it has.
    """
    rows = np.arange(len(first))
    repeated = np.flatnonzero(first < rows)
    near.distance[repeated], near.row[repeated] = 0, first[repeated]
    if not earlier:
        firsts, second = np.unique(first[repeated], return_index=True)
        near.distance[firsts], near.row[firsts] = 0, repeated[second]
    return near


def _hash(hasher: Any, item: dict[str, Any] | None) -> NDArray[np.bool_] | None:  # noqa: ANN401
    """The bits of an image's hash; None where the image is missing or cannot be read."""
    from PIL import Image  # noqa: PLC0415  data sets of text need no images

    def read(image: Image.Image) -> NDArray[np.bool_]:
        bits: NDArray[np.bool_] = hasher(image.convert("RGB").convert("L")).hash.reshape(-1)
        return bits

    data = item["bytes"] if item else None
    kept = decoded_images.find(data)
    if kept is not None:
        return read(Image.frombytes(kept.mode, (kept.width, kept.height), kept.pixels))
    try:
        return image_files.decode(data, read)
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
    for query in range(len(left)):
        for position in range(low[query], high[query]):
            other = order[position]
            bits = left[query] ^ right[other]
            count = 0
            while bits and count <= within:
                bits &= bits - np.uint64(1)
                count += 1
            better = distance[query] < 0 or count < distance[query]
            better = better or (count == distance[query] and other < row[query])
            if not bits and count <= within and better:
                distance[query], row[query] = count, other


def scan_each(  # noqa: C901, PLR0917  compiled code takes arrays by position, and calls nothing
    values: NDArray[np.uint64],
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
    for position in range(len(order)):
        one = order[position]
        for later in range(position + 1, ends[position]):
            two = order[later]
            bits = values[one] ^ values[two]
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
    for member in range(len(group)):
        group[member] = group[group[member]]
