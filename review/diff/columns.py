"""Columns of two sides: which came, went or changed type, and how the rest are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from review.diff.pairing import SEED


@dataclass(frozen=True, slots=True)
class Schemas:
    """Columns of two sides, by name with their types."""

    added: dict[str, str]
    removed: dict[str, str]
    retyped: dict[str, tuple[str, str]]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.retyped)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        retyped = {name: list(pair) for name, pair in self.retyped.items()}
        return {"added": self.added, "removed": self.removed, "retyped": retyped}


def schemas(left: pl.Schema, right: pl.Schema) -> Schemas:
    """Compare the columns of two sides; their order does not matter."""
    return Schemas(
        added={name: str(kind) for name, kind in right.items() if name not in left},
        removed={name: str(kind) for name, kind in left.items() if name not in right},
        retyped={
            name: (str(kind), str(right[name]))
            for name, kind in left.items()
            if name in right and right[name] != kind
        },
    )


def common(left: pl.Schema, right: pl.Schema, names: Sequence[str]) -> dict[str, pl.DataType]:
    """The type in which each column's values can be compared; a column without one is left out."""
    found = {name: _common(left[name], right[name]) for name in names}
    return {name: kind for name, kind in found.items() if kind is not None}


def compared(name: str, kind: pl.DataType, *, exact: bool) -> pl.Expr:
    """What to compare of a column: its values, or a hash of 64 bits of what has no fixed width."""
    values = pl.col(name).cast(kind)
    wide = kind.is_nested() or kind in (pl.String, pl.Binary)
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
        empty = [pl.DataFrame(schema={"a": each}) for each in (left, right)]
        return pl.concat(empty, how="vertical_relaxed").schema["a"]
    except pl.exceptions.PolarsError:
        return None if left.is_nested() or right.is_nested() else pl.String()
