"""The picture of a round: real samples beside accepted and refused candidates.

Which rows are drawn follows from their labels and from what was decided on them. Of the payload
only that of these rows is read, unless a modality draws all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from lake import refs
from lineage import schema
from pipelines.modalities.protocol import LABEL
from pipelines.rounds import tables
from pipelines.rounds.context import RoundContext
from pipelines.rounds.tables import OCCURRENCE

UNLABELLED: Final = 8
"""Samples without labels that are shown for one of a class."""
REFUSED: Final = 64
"""Refused candidates with payload: so many of the first, and as many by turns of the labels."""


def of_round(ctx: RoundContext, commit: str, examples: int) -> bytes:
    """Draw the round at a commit as a PNG.

    Args:
        ctx: the round.
        commit: a commit with the round's samples and decisions.
        examples: number of samples per class, for real and accepted samples each.

    Raises:
        SchemaError: a table cannot be read.
    """
    modality = ctx.round.settings.modality
    dataset, number = ctx.round.dataset, ctx.round.number
    with schema.readable(f"what is drawn of round {number} of {dataset}"):
        parts = _parts(ctx, commit, None if modality.whole_picture else examples)
    return modality.picture(**parts, title=f"{dataset}, round {number}")


def _parts(ctx: RoundContext, commit: str, examples: int | None) -> dict[str, pl.DataFrame]:
    """Read what is drawn: real, accepted and refused rows; all of them where no number is said."""
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    generated = ctx.receipt("generate").commit
    candidates = {number: lake.scan(generated, refs.partition(dataset, "candidates", number))}
    decisions = tables.read_round(lake, commit, dataset, "decisions", number)
    judged = _compact(candidates).join(
        decisions.select(*OCCURRENCE, "decision", "reasons"), on=OCCURRENCE
    )
    accepted = judged.filter(pl.col("decision") == "accepted").sort("row")
    reason = pl.col("reasons").list.first().fill_null(pl.col("decision")).alias("reason")
    refused = judged.filter(pl.col("decision") != "accepted").sort("row").with_columns(reason)
    real_tables = _real_tables(ctx, commit)
    real, drawn = _compact(real_tables).sort(OCCURRENCE), refused
    if examples is not None:
        real, accepted = _per_class(real, examples), _per_class(accepted, examples)
        drawn = first_and_by_turns(refused)
    return {
        "real": _with_payload(real, real_tables, real),
        "accepted": _with_payload(accepted, candidates, accepted),
        "refused": _with_payload(refused, candidates, drawn),
    }


def _real_tables(ctx: RoundContext, commit: str) -> dict[int, pl.LazyFrame]:
    """The real training samples before a round, by round, with the columns of round 0."""
    lake, dataset = ctx.lake, ctx.round.dataset
    numbers = [
        number
        for number in tables.real_rounds(lake, commit, dataset)
        if not number or number < ctx.round.number
    ]
    found = {each: lake.scan(commit, refs.partition(dataset, "samples", each)) for each in numbers}
    names = found[0].collect_schema().names()
    return {number: table.select(names) for number, table in found.items()}


def _compact(by_round: Mapping[int, pl.LazyFrame]) -> pl.DataFrame:
    """Read round, row and label, if there are labels, of tables of rounds."""
    names = {*OCCURRENCE, LABEL}
    kept = [table.select(_names(table, names)) for table in by_round.values()]
    return pl.concat(pl.collect_all(kept))


def _with_payload(
    rows: pl.DataFrame, by_round: Mapping[int, pl.LazyFrame], drawn: pl.DataFrame
) -> pl.DataFrame:
    """Give rows the payload of those that are drawn; that of others is null."""
    payload = []
    for number, table in by_round.items():
        wanted = drawn.filter(pl.col("round") == number)["row"]
        names = {*_names(table)} - ({*rows.columns} - {*OCCURRENCE})
        selected = table.filter(pl.col("row").is_in(wanted.implode()))
        payload.append(selected.select(_names(table, names)))
    read = pl.concat(pl.collect_all(payload))
    return rows.join(read, on=OCCURRENCE, how="left", maintain_order="left")


def _names(table: pl.LazyFrame, among: set[str] | None = None) -> list[str]:
    """List the columns of a table, or those of them that are asked for."""
    names = table.collect_schema().names()
    return names if among is None else [name for name in names if name in among]


def first_and_by_turns(rows: pl.DataFrame) -> pl.DataFrame:
    """Choose `REFUSED` rows in their order, and as many where labels take turns."""
    first = rows.head(REFUSED)
    if LABEL not in rows.columns:
        return first
    turns = rows.sort(pl.int_range(pl.len()).over(LABEL), maintain_order=True).head(REFUSED)
    return pl.concat([first, turns]).unique(OCCURRENCE)


def _per_class(frame: pl.DataFrame, examples: int) -> pl.DataFrame:
    """Choose so many rows of each class, in its order."""
    if LABEL not in frame.columns:
        return frame.head(examples * UNLABELLED)
    return frame.group_by(LABEL, maintain_order=True).head(examples).sort(LABEL, "row")
