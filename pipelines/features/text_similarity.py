"""Near-duplicate texts, by the Jaccard similarity of their shingles, without comparing all pairs.

Where few texts meet, all pairs are compared. Else candidates come from MinHash signatures (Broder
1997; R-MinHash of the library rensa) in bands (Leskovec, Rajaraman & Ullman, ch. 3): two texts are
compared if all signatures of one band are equal. The bands are as wide as they may be for a pair at
the threshold to be missed less than once in a thousand. Every candidate is then compared exactly,
so no pair is named that is not one.

A collapsed generator makes a million texts that all are near to each other, and pairs without end.
So texts that are the same in their normal form count once, and of a crowd in one band each is
compared with `CROWD` texts only, the first and, in one list, the last before it. So not every pair
within a crowd is named, and a similarity to one of a crowd may be less than that to the closest.
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
from pipelines.features.shingles import Kind, Sets

MISSED: Final = 1e-3
"""Most pairs at the threshold that bands may miss, as a share."""
FEW: Final = 1 << 18
"""Pairs up to which all are compared."""
CROWD: Final = 8
BLOCK: Final = 1 << 14
"""Texts that are hashed at once."""
PAIRS: Final = 1 << 22
"""Candidates that are compared at once."""

Told = Callable[[int, int], None]


class Pairs(NamedTuple):
    """Near-duplicates, in order of `left`, then `right`; each pair once."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    similarity: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distinct:
    """Different texts, and which one each row has."""

    texts: pl.Series
    of_row: NDArray[np.int64]
    """[n] number of each row's text; -1 of a row without."""
    first: NDArray[np.int64]
    """The first row of each text."""


def pairs(
    left: pl.Series,
    right: pl.Series | None = None,
    *,
    threshold: float = 0.8,
    kind: Kind = "characters",
    ngram: int = 5,
    permutations: int = 128,
    seed: int = 0,
    told: Told | None = None,
) -> Pairs:
    """Find texts whose Jaccard similarity is `threshold` or more.

    Args:
        left: texts; null has no near-duplicate.
        right: texts to find them among; None: among `left`, the earlier row as `left`.
        threshold: 0.2 to 1.
        kind: whether shingles are runs of characters or of words.
        ngram: characters or words of a shingle.
        permutations: length of a signature.
        seed: of the signatures.
        told: is told how many texts are hashed, and of how many.

    Returns:
        Row numbers and exact similarities. Of rows of `right` with the same text only the first is
        named. Among one list, rows with the same text are paired with the first of them, which
        alone is paired with others.

    Raises:
        LibraryError: there are many texts, and rensa is not installed.
        ValueError: the threshold is so low that no bands of so few permutations find it.
    """
    ours = _distinct(left)
    theirs = None if right is None else _distinct(right)
    total = len(ours.texts) + (0 if theirs is None else len(theirs.texts))
    few = len(ours.texts) * (len(ours.texts) if theirs is None else len(theirs.texts)) <= FEW
    hasher = _Hasher(kind, ngram, None if few else _Bands(threshold, permutations, seed))
    known = hasher.hashed(ours.texts, lambda done: told and told(done, total))
    if theirs is None:
        return _among(ours, _near(known, None, threshold))
    others = hasher.hashed(theirs.texts, lambda done: told and told(len(ours.texts) + done, total))
    return _across(ours, theirs, _near(known, others, threshold))


def groups(rows: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest row of each row's group, [rows]: rows that pairs link, however far."""
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    if not rows:
        return np.empty(0, dtype=np.int64)
    links = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(rows, rows))
    _, part = connected_components(links, directed=False)
    _, first = np.unique(part, return_index=True)
    return first.astype(np.int64)[part]


def signatures(found: Sets, permutations: int, seed: int) -> NDArray[np.uint32]:
    """MinHash signatures of sets of shingles, [n, permutations].

    Raises:
        LibraryError: rensa is not installed.
    """
    rensa = optional.library("rensa", "near-duplicates of many texts")
    made = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        found.values, found.starts, permutations, seed
    )
    rows = np.array(made.to_rows(), dtype=np.uint32)
    return rows.reshape(len(found), permutations)


def band_rows(threshold: float, permutations: int) -> int:
    """The widest band with which a pair at the threshold is missed less than `MISSED`.

    Bands of r signatures miss a pair of similarity s with probability (1 - s^r)^(permutations / r).

    Raises:
        ValueError: there is none.
    """
    widths = range(permutations, 0, -1)
    fits = (r for r in widths if (1 - threshold**r) ** (permutations // r) <= MISSED)
    found = next(fits, None)
    if found is None:
        raise ValueError(
            f"{permutations} permutations cannot find pairs of similarity {threshold}; "
            "use more, or a higher threshold"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Bands:
    """How signatures are cut into bands."""

    threshold: float
    permutations: int
    seed: int

    def keys(self, found: Sets) -> NDArray[np.uint64]:
        """One number for each band of each text, [bands, n]."""
        width = band_rows(self.threshold, self.permutations)
        made = signatures(found, self.permutations, self.seed)
        columns = made[:, : self.permutations // width * width].astype(np.uint64)
        parts = columns.reshape(len(made), self.permutations // width, width)
        keys = np.full(parts.shape[:2], shingles.MIX)
        for at in range(width):
            keys = (keys ^ parts[:, :, at]) * shingles.MIX
            keys ^= keys >> np.uint64(29)
        return np.ascontiguousarray(keys.T)


class _Hashed(NamedTuple):
    """Texts as sets, with a number for each band, [bands, n]; no bands: compare all."""

    sets: Sets
    keys: NDArray[np.uint64] | None


class _Hasher(NamedTuple):
    """How texts become sets and bands."""

    kind: Kind
    ngram: int
    bands: _Bands | None

    def hashed(self, texts: pl.Series, told: Callable[[int], object]) -> _Hashed:
        parts, keys = [], []
        for start in range(0, len(texts), BLOCK):
            parts.append(shingles.sets(texts[start : start + BLOCK], self.kind, self.ngram))
            if self.bands is not None:
                keys.append(self.bands.keys(parts[-1]))
            told(start + len(parts[-1]))
        whole = shingles.joined(parts)
        return _Hashed(whole, np.concatenate(keys, axis=1) if keys else None)


def _distinct(texts: pl.Series) -> Distinct:
    frame = pl.DataFrame({"text": shingles.normal(texts)}).with_row_index("row")
    each = frame.drop_nulls("text").unique("text", keep="first", maintain_order=True)
    each = each.rename({"row": "first"}).with_row_index("number")
    rows = frame.join(each, on="text", how="left", maintain_order="left")["number"]
    return Distinct(
        each["text"],
        rows.cast(pl.Int64).fill_null(-1).to_numpy(),
        each["first"].cast(pl.Int64).to_numpy(),
    )


def _near(ours: _Hashed, theirs: _Hashed | None, threshold: float) -> Pairs:
    """Pairs of distinct texts at the threshold or above, each once."""
    others = ours if theirs is None else theirs
    found = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    for left, right in _candidates(ours, theirs):
        similar = shingles.jaccard(ours.sets, others.sets, left, right)
        keep = similar >= threshold
        found = _united(found, Pairs(left[keep], right[keep], similar[keep]), len(others.sets))
    return found


def _candidates(
    ours: _Hashed, theirs: _Hashed | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs to compare, a bounded number at once."""
    alone = theirs is None
    others = ours if theirs is None else theirs
    if ours.keys is None or others.keys is None:
        first, second = np.divmod(np.arange(len(ours.sets) * len(others.sets)), len(others.sets))
        keep = first < second if alone else np.ones(len(first), dtype=np.bool_)
        yield first[keep], second[keep]
        return
    for mine, known in zip(ours.keys, others.keys, strict=True):
        order = np.argsort(known, kind="stable")
        low = np.searchsorted(known[order], mine, side="left")
        if alone:
            place = np.empty(len(order), dtype=np.int64)
            place[order] = np.arange(len(order))
            yield from _drawn(order, low, np.minimum(place - low, CROWD), alone=True)
            late = np.maximum(low + CROWD, place - CROWD)
            yield from _drawn(order, late, np.maximum(place - late, 0), alone=True)
        else:
            high = np.searchsorted(known[order], mine, side="right")
            yield from _drawn(order, low, np.minimum(high - low, CROWD), alone=False)


def _drawn(
    order: NDArray[np.int64], low: NDArray[np.int64], counts: NDArray[np.int64], *, alone: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Each row with `counts` rows of `order` from `low` on; the earlier first if `alone`."""
    rows = np.flatnonzero(counts)
    ends = np.cumsum(counts[rows])
    cuts = np.searchsorted(ends, np.arange(0, ends[-1] if len(ends) else 0, PAIRS))
    for start, stop in pairwise([*cuts, len(rows)]):
        mine = rows[start:stop]
        size = counts[mine]
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        left, right = np.repeat(mine, size), order[np.repeat(low[mine], size) + within]
        yield (right, left) if alone else (left, right)


def _united(one: Pairs, other: Pairs, width: int) -> Pairs:
    """Both, each pair once, in order."""
    if not len(other.left):
        return one
    both = [np.concatenate(each) for each in zip(one, other, strict=True)]
    _, at = np.unique(both[0] * np.int64(width) + both[1], return_index=True)
    return Pairs(both[0][at], both[1][at], both[2][at])


def _among(ours: Distinct, near: Pairs) -> Pairs:
    """Pairs of rows of one list: near texts, and rows with the same text."""
    rows = np.flatnonzero(ours.of_row >= 0)
    first = ours.first[ours.of_row[rows]]
    again = first < rows
    same = Pairs(first[again], rows[again], np.ones(int(again.sum())))
    apart = Pairs(ours.first[near.left], ours.first[near.right], near.similarity)
    return _united(apart, same, len(ours.of_row))


def _across(ours: Distinct, theirs: Distinct, near: Pairs) -> Pairs:
    """Pairs of rows of two lists: every row of the left with a near text's first of the right."""
    low, high = (np.searchsorted(near.left, ours.of_row, side=side) for side in ("left", "right"))
    size = high - low
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    at = np.repeat(low, size) + within
    left = np.repeat(np.arange(len(size)), size)
    return Pairs(left, theirs.first[near.right[at]], near.similarity[at])
