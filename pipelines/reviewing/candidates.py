"""The candidates of a round that reviewers decide about, by a commit that was made of them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.errors import ReviewError
from pipelines.params import Round
from pipelines.rounds import history, tables


def rows(lake: Lake, round_: Round, seen: str, named: Sequence[int]) -> pl.Series:
    """The candidates that some rows are, or that a reviewer made them of: each once, ascending."""
    given = pl.Series("row", named, dtype=pl.Int64)
    prefix = refs.partition(round_.dataset, refs.REVIEWED, round_.number)
    made = tables.optional(lake, seen, prefix, ["edited_row", "row"]).drop_nulls()
    of = dict(made.select(pl.col("edited_row", "row").cast(pl.Int64)).iter_rows())
    return given.replace(of).unique().sort() if of else given.unique().sort()


def opened(lake: Lake, round_: Round, seen: str) -> pl.LazyFrame:
    """Scan the candidates of a round.

    Raises:
        NotFoundError: the commit holds none.
    """
    generated = history.generated(lake, round_.dataset, round_.number, seen)
    if generated is None:
        raise NotFoundError(f"no commit at {seen[:12]} generated {round_.key}")
    return lake.scan(generated.id, refs.partition(round_.dataset, "candidates", round_.number))


def key(lake: Lake, round_: Round, seen: str, row: int) -> tuple[int, bytes]:
    """Row and id of a candidate; of a row that a reviewer made, those of the candidate it edits.

    Raises:
        ReviewError: there is no such row.
    """
    numbers = rows(lake, round_, seen, [row])
    held = opened(lake, round_, seen).filter(pl.col("row").is_in(numbers.implode()))
    found = tables.collected(held.select("row", "sample_id"), f"the candidates of {round_.key}")
    if found.is_empty():
        raise ReviewError(f"{round_.key} has no candidate in row {row}")
    number, sample = found.row(0)
    return int(number), bytes(sample)
