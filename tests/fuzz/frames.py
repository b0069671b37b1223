"""Tables that are nearly right: a few columns are missing, of another type, or of other values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import polars as pl
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

VALUES: Final[tuple[pl.Series, ...]] = (
    pl.Series([None], dtype=pl.Null),
    pl.Series([None], dtype=pl.Int64),
    pl.Series([1 << 62]),
    pl.Series([-1]),
    pl.Series([5], dtype=pl.UInt8),
    pl.Series([(1 << 64) - 1], dtype=pl.UInt64),
    pl.Series([1 << 100], dtype=pl.Int128),
    pl.Series([0.5]),
    pl.Series([1e300]),
    pl.Series([float("nan")]),
    pl.Series([float("inf")]),
    pl.Series([True]),
    pl.Series(["a"]),
    pl.Series([""]),
    pl.Series(["5"]),
    pl.Series(["a\n\x1b\0"]),
    pl.Series(["a" * 5_000]),
    pl.Series(["real"]),
    pl.Series([b""]),
    pl.Series([b"i" * 32]),
    pl.Series([b"\xff" * 33]),
    pl.Series(["real"], dtype=pl.Categorical),
    pl.Series(["a"], dtype=pl.Enum(["a"])),
    pl.Series(["2020-01-01"]).str.to_date(),
    pl.Series(["1.50"]).cast(pl.Decimal(9, 2)),
    pl.Series([5]).cast(pl.Duration("ms")),
    pl.Series([[]], dtype=pl.List(pl.Int64)),
    pl.Series([[1, None]]),
    pl.Series([["a"]]),
    pl.Series([{"a": 1}]),
    pl.Series([{"bytes": b"x", "path": None}]),
    pl.Series([[{"dataset": "d", "round": 0, "row": 0, "relation": "seed", "weight": 0.5}]]),
    pl.Series([[{"dataset": None, "round": -5, "row": 1 << 40, "relation": "x", "weight": 9e9}]]),
    pl.Series([[{"dataset": "d"}]]),
    pl.Series([[[1]]], dtype=pl.Array(pl.List(pl.Int64), 1)),
)
"""Values of every type, one of which takes the place of those of a column."""


@st.composite
def frames(draw: Draw, valid: pl.DataFrame, edits: int = 3) -> pl.DataFrame:
    """A table with a few edits, or none."""
    frame = valid
    for _ in range(draw(st.integers(0, edits))):
        frame = draw(st.sampled_from(_EDITS))(draw, frame)
    return frame


def _column(draw: Draw, frame: pl.DataFrame) -> str:
    return str(draw(st.sampled_from(frame.columns))) if frame.columns else "a"


def _drop(draw: Draw, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop(_column(draw, frame), strict=False)


def _rename(draw: Draw, frame: pl.DataFrame) -> pl.DataFrame:
    name = draw(st.sampled_from(["", "a\nb", "x" * 5_000, "\x1b[31m", "row"]))
    taken = name in frame.columns or not frame.columns
    return frame if taken else frame.rename({_column(draw, frame): name})


def _replace(draw: Draw, frame: pl.DataFrame) -> pl.DataFrame:
    value = draw(st.sampled_from(VALUES))
    repeated = value.new_from_index(0, len(frame))
    return frame.with_columns(repeated.alias(_column(draw, frame)))


def _one(draw: Draw, frame: pl.DataFrame) -> pl.DataFrame:
    """One value is another, if its column takes it."""
    name, value = _column(draw, frame), draw(st.sampled_from(VALUES))
    if name not in frame.columns or not len(frame):
        return frame
    try:
        cast = value.cast(frame.schema[name])
    except pl.exceptions.PolarsError:
        cast = value
    if cast.dtype != frame.schema[name]:  # some casts give something else
        cast = pl.Series([None], dtype=frame.schema[name])
    at = draw(st.integers(0, len(frame) - 1))
    column = pl.concat([frame[name][:at], cast.alias(name), frame[name][at + 1 :]])
    return frame.with_columns(column)


def _shuffle(_: Draw, frame: pl.DataFrame) -> pl.DataFrame:
    return frame[list(range(len(frame)))[::-1]]


def _repeat(draw: Draw, frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, frame.head(draw(st.integers(1, 2)))])


def _cut(draw: Draw, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.head(draw(st.integers(0, 2)))


_EDITS: Final = (_replace, _replace, _one, _one, _drop, _rename, _shuffle, _repeat, _cut)
