"""Compares the schemas of two sides, and chooses how values of shared columns are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from review.diff.pairing import SEED

FLOAT_WHOLE: Final = 1 << 53
"""Greatest whole number up to which a float of 64 bits holds each."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """Columns that only one side has, or that have different types, by name."""

    added: dict[str, str]
    removed: dict[str, str]
    retyped: dict[str, tuple[str, str]]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.retyped)

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`."""
        retyped = {name: list(pair) for name, pair in self.retyped.items()}
        return {"added": self.added, "removed": self.removed, "retyped": retyped}


def schemas(left: pl.Schema, right: pl.Schema) -> Schemas:
    """Compare the columns of two sides; their order does not matter."""
    return Schemas(
        added={name: str(dtype) for name, dtype in right.items() if name not in left},
        removed={name: str(dtype) for name, dtype in left.items() if name not in right},
        retyped={
            name: (str(dtype), str(right[name]))
            for name, dtype in left.items()
            if name in right and right[name] != dtype
        },
    )


def exact(
    left: pl.LazyFrame, right: pl.LazyFrame, names: Sequence[str]
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Turn whole numbers beside floats into texts where a float cannot hold them.

    A float holds each whole number up to 2⁵³. Beyond that several would be one, and rows of
    different keys would be paired. As texts, a whole number and a float of its value are the same.
    """
    schemas_ = [side.collect_schema() for side in (left, right)]
    for name in names:
        kinds = [schema[name] for schema in schemas_]
        whole = [kind.is_integer() for kind in kinds]
        if sum(whole) != 1 or not all(kind.is_integer() or kind.is_float() for kind in kinds):
            continue
        column = pl.col(name).cast(pl.Int128)
        beyond = (column.max() > FLOAT_WHOLE) | (column.min() < -FLOAT_WHOLE)
        if (left, right)[whole.index(True)].select(beyond.fill_null(value=False)).collect().item():
            left, right = (
                side.with_columns(_digits(name, kind))
                for side, kind in zip((left, right), kinds, strict=True)
            )
    return left, right


def _digits(name: str, dtype: pl.DataType) -> pl.Expr:
    """A number as text; a float without a fraction as the whole number that it is."""
    column = pl.col(name)
    if dtype.is_integer():
        return column.cast(pl.String)
    whole = column.cast(pl.Float64).cast(pl.Int128, strict=False)
    is_whole = column.is_finite() & (column == column.floor()) & whole.is_not_null()
    return pl.when(is_whole).then(whole.cast(pl.String)).otherwise(column.cast(pl.String))


def common(left: pl.Schema, right: pl.Schema, names: Sequence[str]) -> dict[str, pl.DataType]:
    """The type in which values of each column can be compared; columns without one are left out."""
    dtypes = {name: _common(left[name], right[name]) for name in names}
    return {name: dtype for name, dtype in dtypes.items() if dtype is not None}


def compared(name: str, dtype: pl.DataType, *, exact: bool) -> pl.Expr:
    """The values of a column to compare; without `exact`, a 64-bit hash of variable-width ones."""
    values = pl.col(name).cast(dtype)
    wide = dtype.is_nested() or dtype in (pl.String, pl.Binary)
    return values.hash(SEED) if wide and not exact else values


def _common(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    named = (pl.Categorical, pl.Enum, pl.String)
    if left in named and right in named:
        return pl.String()
    if left == right:
        return left
    if (left.is_nested() or right.is_nested()) and left.base_type() != right.base_type():
        return None
    try:
        empty = [pl.DataFrame(schema={"a": dtype}) for dtype in (left, right)]
        return pl.concat(empty, how="vertical_relaxed").schema["a"]
    except pl.exceptions.PolarsError:
        return None if left.is_nested() or right.is_nested() else pl.String()
