"""Rows as points: named columns of numbers, images or lists of numbers, scaled by real rows.

A column of numbers is standardised by the mean and deviation of the real rows. An image, given as
the bytes of its file, is projected on the principal components of the real images that explain
90 % of their variance. A list of numbers, such as an embedding, is only centred. The last two are
divided by the root of their total real variance, so that each column has the same weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations.errors import CannotJudge
from expectations.measures import features, pixels

VERSION: Final = "points/1"
"""Raised when the figures change for equal input."""

Points = NDArray[np.float64]


def points(
    candidates: pl.DataFrame,
    real: pl.DataFrame,
    columns: Sequence[str],
    *,
    max_rows: int,
    seed: int,
) -> tuple[Points, Points]:
    """Convert candidates and real rows to points.

    Args:
        candidates: n rows.
        real: m rows.
        columns: those that count.
        max_rows: candidates that are used, and half the real rows that are; more are drawn.
        seed: of what is drawn.

    Returns:
        [≤ n, d] and [≤ m, d]; rows without a readable value in one of the columns are left out.

    Raises:
        CannotJudge: a column holds neither numbers nor images nor lists of numbers, or no readable
            real value, or images that are far more than their files.
    """
    ours = _drawn(candidates.select(columns).drop_nulls(), max_rows, seed)
    theirs = _drawn(real.select(columns).drop_nulls(), 2 * max_rows, seed)
    blocks = [_block(ours[name], theirs[name]) for name in columns]
    left, right = (np.concatenate(sides, axis=1) for sides in zip(*blocks, strict=True))
    return left[np.isfinite(left).all(axis=1)], right[np.isfinite(right).all(axis=1)]


def _drawn(frame: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    if len(frame) <= rows:
        return frame
    chosen = np.random.default_rng(seed).choice(len(frame), rows, replace=False)
    return frame[np.sort(chosen)]


def _block(ours: pl.Series, theirs: pl.Series) -> tuple[Points, Points]:
    """Convert one column to points, [n, d] and [m, d]."""
    right = _numbers(theirs, None)
    readable = right[np.isfinite(right).all(axis=1)]
    if not readable.size:
        raise CannotJudge(f"no real row has a readable value of {theirs.name!r}")
    left = _numbers(ours, right.shape[1])
    if theirs.dtype == pl.Binary:
        fitted = features.fit(readable.astype(np.float32))
        left, right = (fitted.project(values.astype(np.float32)) for values in (left, right))
        readable = right[np.isfinite(right).all(axis=1)]
    scale = float(np.sqrt(readable.var(axis=0).sum())) or 1.0
    middle = readable.mean(axis=0)
    return (left - middle) / scale, (right - middle) / scale


def _numbers(column: pl.Series, width: int | None) -> Points:
    """Convert a column to [n, d]; NaN where a value is unreadable or has another width."""
    dtype = column.dtype
    if dtype == pl.Binary:
        return pixels.decode(column.to_list(), width)
    if dtype.is_numeric() or dtype == pl.Boolean:
        return column.cast(pl.Float64).to_numpy()[:, None].copy()
    inner = getattr(dtype, "inner", None)
    if inner is not None and inner.is_numeric():
        return _lists(column, width)
    raise CannotJudge(
        f"column {column.name!r} holds {dtype}; numbers, images or lists of numbers are needed"
    )


def _lists(column: pl.Series, width: int | None) -> Points:
    lists = column.cast(pl.List(pl.Float64))
    lengths = lists.list.len().to_numpy()
    size = int(lengths.max()) if width is None and len(lengths) else (width or 0)
    values = np.full((len(lists), size), np.nan)
    right = lengths == size
    flat: NDArray[Any] = lists.filter(pl.Series(right)).explode().to_numpy()
    values[right] = flat.reshape(int(right.sum()), size)
    return values
