"""What is planted, and which expectation is meant to see it.

A row case is a batch of right and planted rows with the scorers that look at it, and rules on what
they find. A table case is a batch as a whole, right and planted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from expectations import catalogue
from expectations.suite import Rule, Suite
from pipelines.scorers.protocol import Given

BETWEEN: Final = "expect_column_values_to_be_between"
IN_SET: Final = "expect_column_values_to_be_in_set"
KIND: Final = "kind"
"""Column: what was planted; null in a right row."""
UNCOUNTED: Final = "uncounted"
"""A row that is there for another one's sake."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A rule, and the planted kinds that it is meant to refuse."""

    name: str
    type: str
    kwargs: Mapping[str, Any]
    kinds: tuple[str, ...]
    scorer: str | None = None
    """Whose column it judges; None: payload as it is."""
    limits: tuple[float, float] = (0.95, 0.05)
    """φ is at least, ψ at most this."""
    misses: tuple[str, ...] = ()
    """Kinds that are near to those, and that it is known not to see."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A batch: round, row, payload and `kind`; and what its scorers are given."""

    frame: pl.DataFrame
    given: Given


@dataclass(frozen=True, slots=True)
class RowCase:
    """Rows of one kind of data."""

    data: str
    make: Callable[[int, int], Planted]
    """Of the number of right rows, and a seed."""
    scorers: Mapping[str, Mapping[str, Any]]
    rules: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class TableCase:
    """A rule on whole batches, by the names of frames."""

    type: str
    kwargs: Mapping[str, Any]
    good: str
    bad: str
    kind: str
    """What was planted, in words."""
    against: str | None = None
    """The frame of real rows."""
    blind: bool = False
    """Whether it is known not to see this."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Makes the batches of table cases: by name, of a number of rows and a seed."""

    makers: Mapping[str, Callable[[int, int], pl.DataFrame]] = field(default_factory=dict)

    def make(self, name: str, rows: int, seed: int) -> pl.DataFrame:
        """One batch."""
        return self.makers[name](rows, seed)


def batch(
    right: pl.DataFrame, planted: Mapping[str, pl.DataFrame], *, first: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Right rows, then planted ones: round, row, payload, kind.

    Args:
        right: payload.
        planted: payload by kind.
        first: rows that only stand before the others, such as those that duplicates repeat.
    """
    parts = [] if first is None else [first.with_columns(pl.lit(UNCOUNTED).alias(KIND))]
    parts.append(right.with_columns(pl.lit(None, pl.String).alias(KIND)))
    parts += [rows.with_columns(pl.lit(kind).alias(KIND)) for kind, rows in planted.items()]
    whole = pl.concat([part.select(*right.columns, KIND) for part in parts]).with_row_index("row")
    return whole.select(
        pl.lit(1, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), *right.columns, KIND
    )


def suite(name: str, rules: list[tuple[str, str, Mapping[str, Any]]]) -> Suite:
    """A suite of rules (name, type, arguments), asking for a value of every column they judge."""
    made = [
        Rule(called, kind, kwargs, "critical", {"name": called}) for called, kind, kwargs in rules
    ]
    columns = dict.fromkeys(column for rule in made for column in rule.columns)
    asked = [
        Rule(f"{column} known", catalogue.NOT_NULL, {"column": column}, "critical", {})
        for column in columns
    ]
    return Suite(name, (*made, *asked))
