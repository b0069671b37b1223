"""Which row of one side is which row of the other, by key.

Keys are compared as values: null is one key, NaN is one key. Where both sides have their keys in
ascending order, two sorted arrays are enough; otherwise it is a hash join. A key that comes several
times pairs equal rows first, then the rest in order of appearance, so that the outcome does not
depend on which way was taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Positions = NDArray[np.int64]
AT: Final = "__at"
OTHER: Final = "__other"
NTH: Final = "__nth"
SIGNATURE: Final = "__signature"
SEED: Final = int(np.random.default_rng().integers(1 << 62))
"""Of row hashes, drawn anew in each process: nobody can prepare two values of the same hash."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Positions of rows that have the same key, pair by pair, in the order of the left side."""

    left: Positions
    right: Positions
    lefts: int
    rights: int
    repeated: int = 0
    """Keys that come more than once on a side."""

    @cached_property
    def ordered(self) -> bool:
        """Whether paired rows stand in the same order on both sides."""
        return bool((np.diff(self.right) > 0).all() and (np.diff(self.left) > 0).all())

    @cached_property
    def _masks(self) -> tuple[pl.Series, pl.Series]:
        return tuple(  # type: ignore[return-value]
            pl.Series(_marked(at, size))
            for at, size in ((self.left, self.lefts), (self.right, self.rights))
        )

    def of_left(self, values: pl.Series) -> pl.Series:
        """The values of the left side that are paired."""
        return values.filter(self._masks[0]) if self.ordered else values.gather(self.left)

    def of_right(self, values: pl.Series) -> pl.Series:
        """The values of the right side that are paired, in the order of the left side."""
        return values.filter(self._masks[1]) if self.ordered else values.gather(self.right)

    def alone(self) -> tuple[Positions, Positions]:
        """Positions on either side of rows that are not paired, in order."""
        return (
            np.flatnonzero(~_marked(self.left, self.lefts)),
            np.flatnonzero(~_marked(self.right, self.rights)),
        )


def pair(
    left: pl.LazyFrame, right: pl.LazyFrame, key: Sequence[str], payload: Sequence[pl.Expr]
) -> tuple[Pairs, pl.DataFrame, pl.DataFrame]:
    """Pair the rows of two sides.

    Args:
        left: with the key columns, of the same types as on the right.
        right: the other side.
        key: names of columns.
        payload: what makes two rows of a repeated key equal; of the same types on both sides.

    Returns:
        The pairs, and the keys of both sides.
    """
    ours, theirs = pl.collect_all([left.select(key), right.select(key)])
    sizes = len(ours), len(theirs)
    if sorted_keys(ours) and sorted_keys(theirs):
        return Pairs(*_merged(ours, theirs), *sizes), ours, theirs
    twice = _repeated(ours, theirs)
    unique = [each.with_row_index(AT) for each in (ours, theirs)]
    if not twice.is_empty():
        unique = [each.join(twice, on=key, how="anti", nulls_equal=True) for each in unique]
    joined = unique[0].join(
        unique[1].rename({AT: OTHER}), on=key, nulls_equal=True, maintain_order="left"
    )
    found = joined.select(pl.col(AT, OTHER).cast(pl.Int64))
    if not twice.is_empty():
        more = _of_repeated(left, right, key, payload, twice)
        found = pl.concat([found, more]).sort(AT)
    arrays = (found[name].to_numpy() for name in (AT, OTHER))
    return Pairs(*arrays, *sizes, len(twice)), ours, theirs


def sorted_keys(keys: pl.DataFrame) -> bool:
    """Whether keys are one column of whole numbers or times, each above the one before."""
    if keys.width != 1:
        return False
    column = keys.to_series()
    whole = column.dtype.is_integer() or column.dtype.is_temporal()
    if not whole or column.dtype in (pl.Int128, pl.UInt128) or column.null_count():
        return False
    values = column.to_physical().to_numpy()
    return bool((values[1:] > values[:-1]).all())


def _merged(ours: pl.DataFrame, theirs: pl.DataFrame) -> tuple[Positions, Positions]:
    """Positions of equal keys of two ascending columns."""
    left, right = (each.to_series().to_physical().to_numpy() for each in (ours, theirs))
    if not len(right):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    near = np.searchsorted(right, left)
    near[near == len(right)] = 0
    hit = np.flatnonzero(right[near] == left)
    return hit, near[hit]


def _repeated(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Keys that come more than once on a side."""
    found = [
        each.filter(each.is_duplicated()) if _distinct(each) < len(each) else each.clear()
        for each in (ours, theirs)
    ]
    return pl.concat(found).unique()


def _distinct(keys: pl.DataFrame) -> int:
    return keys.to_series().n_unique() if keys.width == 1 else keys.n_unique()


def _of_repeated(
    left: pl.LazyFrame,
    right: pl.LazyFrame,
    key: Sequence[str],
    payload: Sequence[pl.Expr],
    twice: pl.DataFrame,
) -> pl.DataFrame:
    """Pair rows of repeated keys: equal ones first, then the rest in order of appearance."""
    signature = pl.struct(payload).hash(SEED) if payload else pl.lit(0, pl.UInt64)
    ours, theirs = pl.collect_all(
        [
            each.with_row_index(AT)
            .join(twice.lazy(), on=key, how="semi", nulls_equal=True)
            .select(*key, pl.col(AT).cast(pl.Int64), signature.alias(SIGNATURE))
            .sort(AT)
            for each in (left, right)
        ]
    )
    equal = _numbered(ours, theirs, [*key, SIGNATURE])
    rest = [
        side.filter(~pl.col(AT).is_in(equal[name].implode()))
        for side, name in ((ours, AT), (theirs, OTHER))
    ]
    return pl.concat([equal, _numbered(rest[0], rest[1], list(key))])


def _numbered(ours: pl.DataFrame, theirs: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """Pair the first rows of a group on both sides, then the second ones, and so on."""
    counted = [
        each.with_columns(pl.int_range(pl.len()).over(on).alias(NTH)) for each in (ours, theirs)
    ]
    return (
        counted[0]
        .join(counted[1].rename({AT: OTHER}), on=[*on, NTH], nulls_equal=True)
        .select(AT, OTHER)
    )


def _marked(at: Positions, size: int) -> NDArray[np.bool_]:
    marked = np.zeros(size, dtype=np.bool_)
    marked[at] = True
    return marked
