"""Find near-duplicate texts by the Jaccard similarity of their shingles, without all comparisons.

Where there are few texts, all pairs are compared. Otherwise candidates come from MinHash signatures
(Broder 1997; R-MinHash of the library rensa) in bands (Leskovec, Rajaraman & Ullman, ch. 3): two
texts are compared if all signatures of one band are equal. The bands are as wide as is possible
while a pair at the threshold is missed less than once in a thousand. Every candidate is then
compared exactly, so no pair is reported that is not one.

A collapsed generator makes a million texts that are all near to each other, and more pairs than can
be listed. So texts that are equal in their normal form count once, and each text of a crowded band
is compared with only `CROWD` others: the first of the band and, within one list, also the last
before it. Hence not every pair within a crowd is reported, and the reported similarity to a text of
a crowd may be less than that to the closest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common import optional
from pipelines.features import shingles
from pipelines.features.shingles import Sets, Unit

MISSED: Final = 1e-3
"""Greatest share of pairs at the threshold that bands may miss."""
FEW: Final = 1 << 18
"""Number of pairs up to which all are compared."""
CROWD: Final = 8
"""Texts of one band that a text is compared with, from each end of the band."""
BLOCK: Final = 1 << 14
"""Number of texts that are hashed at once."""
PAIRS: Final = 1 << 22
"""Number of candidates that are compared at once."""

Progress = Callable[[int, int], None]
"""Is called with the number of items that are done, and with their total."""


class Pairs(NamedTuple):
    """Near-duplicates, in order of `left`, then `right`; each pair once."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    similarity: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distinct:
    """The distinct texts of a column, and which of them each row has."""

    texts: pl.Series
    of_row: NDArray[np.int64]
    """[n] index of each row's text in `texts`; -1 where a row is null."""
    first: NDArray[np.int64]
    """The first row of each distinct text."""


class Shingling(NamedTuple):
    """How texts are cut into shingles, and how their sets of shingles are signed."""

    unit: Unit = "characters"
    """Whether shingles are n-grams of characters or of words."""
    ngram: int = 5
    """Number of characters or words of a shingle."""
    permutations: int = 128
    """Length of a MinHash signature."""
    seed: int = 0
    """Seed of the signatures."""


SHINGLING: Final = Shingling()


def pairs(
    left: pl.Series,
    right: pl.Series | None = None,
    *,
    threshold: float = 0.8,
    shingling: Shingling = SHINGLING,
    progress: Progress | None = None,
) -> Pairs:
    """Find pairs of texts whose Jaccard similarity is `threshold` or more.

    Args:
        left: Texts; null has no near-duplicate.
        right: Texts to search; None: search `left` itself, with the earlier row of a pair as left.
        threshold: 0.2 to 1.
        shingling: How texts are cut and signed.
        progress: Is called with the number of texts that are hashed, and with their total.

    Returns:
        Row numbers and exact similarities. Of rows of `right` with the same text, only the first is
        reported. Within one list, rows with the same text are paired with the first of them, and
        only that one is paired with other texts.

    Raises:
        LibraryError: There are many texts, and rensa is not installed.
        ValueError: The threshold is too low for bands of so few permutations to find it.
    """
    return Search(left, threshold=threshold, shingling=shingling).pairs(right, progress)


class Search:
    """A search for near-duplicates of the same texts in several others, which signs them once."""

    def __init__(
        self, left: pl.Series, *, threshold: float = 0.8, shingling: Shingling = SHINGLING
    ) -> None:
        """Take the texts, as `pairs` does."""
        self._ours = _distinct(left)
        self._hasher = _Hasher(shingling, threshold)
        self._signed: _Hashed | None = None

    def pairs(self, right: pl.Series | None = None, progress: Progress | None = None) -> Pairs:
        """Find pairs of these texts and others, or among themselves, as `pairs` does."""
        ours = self._ours
        theirs = None if right is None else _distinct(right)
        others = ours if theirs is None else theirs
        total = len(ours.texts) + (0 if theirs is None else len(theirs.texts))
        bands = len(ours.texts) * len(others.texts) > FEW

        def hashed(texts: pl.Series, before: int) -> _Hashed:
            return self._hasher.hashed(
                texts, lambda done: progress and progress(before + done, total), bands=bands
            )

        if bands and self._signed is None:
            self._signed = hashed(ours.texts, 0)
        our_hashes = self._signed if bands and self._signed else hashed(ours.texts, 0)
        if theirs is None:
            return _among(ours, self._near(our_hashes, None))
        return _across(ours, theirs, self._near(our_hashes, hashed(theirs.texts, len(ours.texts))))

    def _near(self, ours: _Hashed, theirs: _Hashed | None) -> Pairs:
        """Find pairs of distinct texts at the threshold or above, each once.

        Only texts that are compared with another one are cut into shingles again, so that memory
        does not hold the shingles of all.
        """
        others = ours if theirs is None else theirs
        ours_used, others_used = (np.zeros(len(each.texts), np.bool_) for each in (ours, others))
        for left, right in _candidates(ours, theirs):
            ours_used[left], others_used[right] = True, True
        if theirs is None:
            ours_used = others_used = ours_used | others_used
        our_sets = self._hasher.sets(ours.texts, ours_used)
        other_sets = our_sets if theirs is None else self._hasher.sets(others.texts, others_used)
        our_place, other_place = (np.cumsum(used) - 1 for used in (ours_used, others_used))
        near = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        for left, right in _candidates(ours, theirs):
            similarity = shingles.jaccard(our_sets, other_sets, our_place[left], other_place[right])
            keep = similarity >= self._hasher.threshold
            found = Pairs(left[keep], right[keep], similarity[keep])
            near = _union(near, found, len(others.texts))
        return near


def groups(rows: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the connected components of rows under pairs: [rows], each its smallest row."""
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    if not rows:
        return np.empty(0, dtype=np.int64)
    links = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(rows, rows))
    _, part = connected_components(links, directed=False)
    _, first = np.unique(part, return_index=True)
    return first.astype(np.int64)[part]


def signatures(sets: Sets, permutations: int, seed: int) -> NDArray[np.uint32]:
    """Compute MinHash signatures of sets of shingles, [n, permutations].

    Neither the order of a text's shingles nor how often each comes changes its signature.

    Raises:
        LibraryError: The library rensa is not installed.
    """
    rensa = optional.library("rensa", "near-duplicates of many texts")
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        sets.values, sets.starts, permutations, seed
    )
    rows = np.array(matrix.to_rows(), dtype=np.uint32)
    return rows.reshape(len(sets), permutations)


def band_rows(threshold: float, permutations: int) -> int:
    """Find the widest band with which a pair at the threshold is missed less than `MISSED`.

    Bands of r signatures miss a pair of similarity s with probability (1 - s^r)^(permutations / r).

    Raises:
        ValueError: No band is narrow enough.
    """
    widths = range(permutations, 0, -1)
    fits = (r for r in widths if (1 - threshold**r) ** (permutations // r) <= MISSED)
    widest = next(fits, None)
    if widest is None:
        raise ValueError(
            f"{permutations} permutations cannot find pairs of similarity {threshold}; "
            "use more, or a higher threshold"
        )
    return widest


class _Hashed(NamedTuple):
    """Distinct texts, with a number for each band, [bands, n]; None: compare all pairs."""

    texts: pl.Series
    keys: NDArray[np.uint64] | None


class _Hasher(NamedTuple):
    """How texts become sets, and signatures bands that find the threshold."""

    shingling: Shingling
    threshold: float

    def hashed(self, texts: pl.Series, report: Callable[[int], object], *, bands: bool) -> _Hashed:
        """Sign texts block by block, where pairs are to be found by bands."""
        if not bands:
            report(len(texts))
            return _Hashed(texts, None)
        permutations, (unit, size) = self.shingling.permutations, self.shingling[:2]
        width = band_rows(self.threshold, permutations)
        keys = np.empty((permutations // width, len(texts)), dtype=np.uint64)
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            signed = self._keys(shingles.multisets(block, unit, size), width)
            keys[:, start : start + len(block)] = signed
            report(start + len(block))
        return _Hashed(texts, keys)

    def sets(self, texts: pl.Series, used: NDArray[np.bool_]) -> Sets:
        """Cut those texts into shingles that are used, in their order."""
        rows = np.flatnonzero(used)
        starts = range(0, len(rows), BLOCK)
        return shingles.joined(
            [self._cut(texts.gather(rows[start : start + BLOCK])) for start in starts]
        )

    def _cut(self, texts: pl.Series) -> Sets:
        return shingles.sets(texts, self.shingling.unit, self.shingling.ngram)

    def _keys(self, sets: Sets, width: int) -> NDArray[np.uint64]:
        """Hash each band of each text to one number, [bands, n]."""
        permutations = self.shingling.permutations
        matrix = signatures(sets, permutations, self.shingling.seed)
        columns = matrix[:, : permutations // width * width].astype(np.uint64)
        parts = columns.reshape(len(matrix), permutations // width, width)
        keys = np.full(parts.shape[:2], shingles.MIX)
        for column in range(width):
            keys = (keys ^ parts[:, :, column]) * shingles.MIX
            keys ^= keys >> np.uint64(29)
        return keys.T


def _distinct(texts: pl.Series) -> Distinct:
    frame = pl.DataFrame({"text": shingles.normal(texts)}).with_row_index("row")
    distinct = frame.drop_nulls("text").unique("text", keep="first", maintain_order=True)
    distinct = distinct.rename({"row": "first"}).with_row_index("number")
    of_row = frame.join(distinct, on="text", how="left", maintain_order="left")["number"]
    return Distinct(
        distinct["text"],
        of_row.cast(pl.Int64).fill_null(-1).to_numpy(),
        distinct["first"].cast(pl.Int64).to_numpy(),
    )


def _candidates(
    ours: _Hashed, theirs: _Hashed | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs to compare, a bounded number at once."""
    alone = theirs is None
    others = ours if theirs is None else theirs
    if ours.keys is None or others.keys is None:
        size = len(others.texts)
        first, second = np.divmod(np.arange(len(ours.texts) * size), max(size, 1))
        keep = first < second if alone else np.ones(len(first), dtype=np.bool_)
        yield first[keep], second[keep]
        return
    for our_keys, other_keys in zip(ours.keys, others.keys, strict=True):
        order = np.argsort(other_keys, kind="stable")
        ordered = other_keys[order]
        low = np.searchsorted(ordered, our_keys, side="left")
        if alone:
            rank = np.empty(len(order), dtype=np.int64)
            rank[order] = np.arange(len(order))
            yield from _expanded(order, low, np.minimum(rank - low, CROWD), alone=True)
            late = np.maximum(low + CROWD, rank - CROWD)
            yield from _expanded(order, late, np.maximum(rank - late, 0), alone=True)
        else:
            counts = _equal_from(ordered, low, our_keys)
            yield from _expanded(order, low, np.minimum(counts, CROWD), alone=False)


def _equal_from(
    ordered: NDArray[np.uint64], low: NDArray[np.int64], keys: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Count the numbers of `ordered` that equal each key, which would be put in at `low`."""
    counts = np.zeros(len(keys), dtype=np.int64)
    found = np.flatnonzero(low < len(ordered))
    found = found[ordered[low[found]] == keys[found]]  # few, as a rule
    counts[found] = np.searchsorted(ordered, keys[found], side="right") - low[found]
    return counts


def _expanded(
    order: NDArray[np.int64], low: NDArray[np.int64], counts: NDArray[np.int64], *, alone: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield each row with `counts` rows of `order` from `low` on; the earlier first if `alone`."""
    rows = np.flatnonzero(counts)
    ends = np.cumsum(counts[rows])
    cuts = np.searchsorted(ends, np.arange(0, ends[-1] if len(ends) else 0, PAIRS))
    for start, stop in pairwise([*cuts, len(rows)]):
        block = rows[start:stop]
        size = counts[block]
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        left, right = np.repeat(block, size), order[np.repeat(low[block], size) + offset]
        yield (right, left) if alone else (left, right)


def _union(one: Pairs, other: Pairs, width: int) -> Pairs:
    """Join two lists of pairs, each pair once, in order."""
    if not len(other.left):
        return one
    both = [np.concatenate(columns) for columns in zip(one, other, strict=True)]
    _, kept = np.unique(both[0] * np.int64(width) + both[1], return_index=True)
    return Pairs(both[0][kept], both[1][kept], both[2][kept])


def _among(ours: Distinct, near: Pairs) -> Pairs:
    """List pairs of rows of one list: near texts, and rows with the same text."""
    rows = np.flatnonzero(ours.of_row >= 0)
    first = ours.first[ours.of_row[rows]]
    repeated = first < rows
    equal = Pairs(first[repeated], rows[repeated], np.ones(int(repeated.sum())))
    different = Pairs(ours.first[near.left], ours.first[near.right], near.similarity)
    return _union(different, equal, len(ours.of_row))


def _across(ours: Distinct, theirs: Distinct, near: Pairs) -> Pairs:
    """List pairs of rows of two lists: every left row with the first right row of a near text."""
    low, high = (np.searchsorted(near.left, ours.of_row, side=side) for side in ("left", "right"))
    size = high - low
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    pair = np.repeat(low, size) + offset
    left = np.repeat(np.arange(len(size)), size)
    return Pairs(left, theirs.first[near.right[pair]], near.similarity[pair])
