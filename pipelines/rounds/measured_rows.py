"""The rows that `evaluate` measures: all of them, or of very many a sample of stated size.

Which rows are drawn follows from the seed of the round and the name of the set. Only their payload
is read, so memory does not follow the round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from lake import refs
from lake.client import Lake
from lineage import schema
from pipelines.common import console
from pipelines.common.seeds import derive_seed
from pipelines.params import Round
from pipelines.rounds import tables

SAMPLED: Final = "sampled"
"""Section of the figures that says what they were measured on."""


def drawn(rows: pl.DataFrame, round_: Round, name: str, most: int | None) -> pl.DataFrame:
    """Draw rows of a set, in their order.

    Args:
        rows: of the set.
        round_: the round whose seed they are drawn by.
        name: of the set, such as accepted.
        most: rows that are drawn; None, or as many as there are: all.
    """
    if most is None or len(rows) <= most:
        return rows
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "evaluate", "sample", name)
    return rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])]


def read(
    lake: Lake,
    ref: str,
    round_: Round,
    table: str,
    most: int | None,
    *,
    taken: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, int]:
    """Read rows of the current round from a table, as `drawn` draws them, and count them all.

    Args:
        lake: the lake.
        ref: branch, tag or commit.
        round_: the round.
        table: such as samples, by whose name they are drawn.
        most: as in `drawn`.
        taken: round, row of those that are left out; None: none is.
    """
    if most is None:
        found = _without(tables.read_round(lake, ref, round_.dataset, table, round_.number), taken)
        return found, len(found)
    scanned = lake.scan(ref, refs.partition(round_.dataset, table, round_.number))
    what = f"{table} of round {round_.number} of {round_.dataset} at {ref}"
    listed = tables.collected(scanned.select(tables.OCCURRENCE), what)
    every = _without(listed, taken).sort(tables.OCCURRENCE)
    return with_payload(scanned, drawn(every, round_, table, most), what), len(every)


def _without(rows: pl.DataFrame, taken: pl.DataFrame | None) -> pl.DataFrame:
    return rows if taken is None else rows.join(taken, on=tables.OCCURRENCE, how="anti")


def with_payload(stored: pl.LazyFrame, rows: pl.DataFrame, what: str) -> pl.DataFrame:
    """Read the payload of rows, in order of round and row, without that of others.

    Args:
        stored: a table with round, row and payload.
        rows: round, row, and maybe more.
        what: the table is, for errors.

    Raises:
        SchemaError: it cannot be read.
    """
    with schema.readable(what):
        wanted = stored.join(rows.lazy(), on=list(tables.OCCURRENCE), how="inner")
        return wanted.collect(engine="streaming").sort(tables.OCCURRENCE)


def section(round_: Round, sets: Mapping[str, int]) -> dict[str, Any]:
    """Say what figures were measured on, for the manifest; nothing where it was all rows.

    Args:
        round_: the round.
        sets: all rows of each set, by name.

    Returns:
        `sampled`: rows that were drawn, all rows by set, and the greatest standard error of a share
        of so many rows.
    """
    most = round_.settings.evaluate.sample
    many = {name: count for name, count in sets.items() if most is not None and count > most}
    if most is None or not many:
        return {}
    error = round(0.5 / math.sqrt(most), 6)
    found = {SAMPLED: {"rows": most, "of": many, "standard_error": error}}
    console.line(f"evaluate: {sentence(found)}")
    return found


def sentence(figures: Mapping[str, Any]) -> str | None:
    """Say what figures were measured on, for a person; None: on all rows.

    Args:
        figures: of the manifest, with the section `sampled` if there is one.
    """
    try:
        rows, of, error = (figures[SAMPLED][name] for name in ("rows", "of", "standard_error"))
        told = ", ".join(f"{int(count):,} of {name}" for name, count in of.items())
        if not told:
            return None
        return (
            f"figures are measured on {int(rows):,} rows each of {told}, or fewer; a share of so "
            f"many has a standard error of {float(error):.2%} at most from that"
        )
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
    ):  # no such section, or a damaged one
        return None
