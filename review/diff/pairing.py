"""Pairs the rows of two sides by key.

Keys are compared as values: null equals null, NaN equals NaN. A single key column of distinct whole
numbers or times is sorted and merged, anything else is joined by hash. Rows of a repeated key are
paired with equal rows first, then in order of appearance, so that both methods give the same pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Positions = NDArray[np.int64]
AT: Final = "__at"
OTHER: Final = "__other"
NTH: Final = "__nth"
SIGNATURE: Final = "__signature"
WIDE: Final = (pl.Int128, pl.UInt128)
SEED: Final = int(np.random.default_rng().integers(1 << 62))
"""Seed of row hashes, random in each process, so that nobody can prepare colliding values."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Positions of the rows of each pair, which have the same key."""

    left: Positions
    right: Positions
    lefts: int
    rights: int
    repeated: int = 0
    """Number of keys that occur more than once on a side."""

    @cached_property
    def ordered(self) -> bool:
        """Whether paired rows are in the same order on both sides."""
        return _ascends(self.left) and _ascends(self.right)

    def of_left(self, values: pl.Series) -> pl.Series:
        """The paired values of the left side."""
        mask, _ = self._masks
        return values.gather(self.left) if mask is None else values.filter(mask)

    def of_right(self, values: pl.Series) -> pl.Series:
        """The paired values of the right side, in the order of `of_left`."""
        return (
            values.gather(self.right) if self._masks[1] is None else values.filter(self._masks[1])
        )

    @cached_property
    def _masks(self) -> tuple[pl.Series | None, pl.Series | None]:
        """Masks of the paired rows; None for a side whose pairs are not in its own order."""
        return _mask(self.left, self.lefts), _mask(self.right, self.rights)

    def alone(self) -> tuple[Positions, Positions]:
        """Positions of the rows that are not paired, in order, for both sides."""
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
    merged = _merged(ours, theirs)
    if merged is not None:
        return Pairs(*merged, *sizes), ours, theirs
    twice = _repeated(ours, theirs)
    unique = [frame.with_row_index(AT) for frame in (ours, theirs)]
    if not twice.is_empty():
        unique = [frame.join(twice, on=key, how="anti", nulls_equal=True) for frame in unique]
    joined = unique[0].join(
        unique[1].rename({AT: OTHER}), on=key, nulls_equal=True, maintain_order="left"
    )
    pairs = joined.select(pl.col(AT, OTHER).cast(pl.Int64))
    if not twice.is_empty():
        more = _of_repeated(left, right, key, payload, twice)
        pairs = pl.concat([pairs, more]).sort(AT)
    left_at, right_at = (pairs[name].to_numpy() for name in (AT, OTHER))
    return Pairs(left_at, right_at, *sizes, len(twice)), ours, theirs


def _merged(ours: pl.DataFrame, theirs: pl.DataFrame) -> tuple[Positions, Positions] | None:
    """Pair keys by sorting; None unless they are distinct whole numbers or times of one column."""
    ours_sorted, theirs_sorted = _ascending(ours), _ascending(theirs)
    if ours_sorted is None or theirs_sorted is None:
        return None
    (left, left_order), (right, right_order) = ours_sorted, theirs_sorted
    if not len(right):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    near = np.searchsorted(right, left)
    near[near == len(right)] = 0
    hit = np.flatnonzero(right[near] == left)
    positions = hit, near[hit]
    return (
        positions[0] if left_order is None else left_order[positions[0]],
        positions[1] if right_order is None else right_order[positions[1]],
    )


def _ascending(keys: pl.DataFrame) -> tuple[NDArray[Any], Positions | None] | None:
    """The values of a column in order, and their positions, or None if they were in order.

    None for a column that is not of whole numbers or times, or that repeats a value.
    """
    column = keys.to_series()
    whole = column.dtype.is_integer() or column.dtype.is_temporal()
    if keys.width > 1 or not whole or column.dtype in WIDE or column.null_count():
        return None
    values = column.to_physical().to_numpy()
    if _ascends(values):
        return values, None
    order = column.to_physical().arg_sort().cast(pl.Int64).to_numpy()
    ordered = values[order]
    return (ordered, order) if _ascends(ordered) else None


def _ascends(values: NDArray[Any]) -> bool:
    return bool((values[1:] > values[:-1]).all())


def _mask(positions: Positions, size: int) -> pl.Series | None:
    return pl.Series(_marked(positions, size)) if _ascends(positions) else None


def _repeated(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Keys that occur more than once on a side."""
    repeated = [
        keys.filter(keys.is_duplicated()) if _distinct(keys) < len(keys) else keys.clear()
        for keys in (ours, theirs)
    ]
    return pl.concat(repeated).unique()


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
            frame.with_row_index(AT)
            .join(twice.lazy(), on=key, how="semi", nulls_equal=True)
            .select(*key, pl.col(AT).cast(pl.Int64), signature.alias(SIGNATURE))
            .sort(AT)
            for frame in (left, right)
        ]
    )
    equal = _numbered(ours, theirs, [*key, SIGNATURE])
    rest = [
        side.filter(~pl.col(AT).is_in(equal[name].implode()))
        for side, name in ((ours, AT), (theirs, OTHER))
    ]
    return pl.concat([equal, _numbered(rest[0], rest[1], list(key))])


def _numbered(ours: pl.DataFrame, theirs: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """Pair the n-th row of each group on one side with the n-th on the other."""
    counted = [
        frame.with_columns(pl.int_range(pl.len()).over(on).alias(NTH)) for frame in (ours, theirs)
    ]
    return (
        counted[0]
        .join(counted[1].rename({AT: OTHER}), on=[*on, NTH], nulls_equal=True)
        .select(AT, OTHER)
    )


def _marked(positions: Positions, size: int) -> NDArray[np.bool_]:
    marked = np.zeros(size, dtype=np.bool_)
    marked[positions] = True
    return marked
