"""Prove the lineage of a commit: every check, round by round.

First each round's tables are read by themselves; then the family tree is opened, and every derived
column and every mix follows from it. One round is in memory at a time, beside the family tree,
which is memory-mapped, and a few bytes a row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import polars as pl

from lineage.ancestry.references import RoundId
from lineage.ancestry.source import Progress, Source
from lineage.proof import payload, rows, sound, tables, tree
from lineage.proof.contents import Contents
from lineage.proof.findings import Batch
from lineage.proof.tables import Tables
from lineage.proof.tree import Open

REFUSED: Final = ("rows", "kinds", "weights", "parents", "sample_ids", "decisions")
"""Checks whose findings the index would refuse."""


@dataclass(slots=True, eq=False)
class _Notes:
    """What one pass keeps for the next."""

    sources: dict[RoundId, Source] = field(default_factory=dict)
    """Sources of the rounds, as the index takes them."""
    unsound: dict[RoundId, pl.Series] = field(default_factory=dict)
    """Rows whose own lineage leaves nothing to derive them from."""
    contents: dict[str, Contents] = field(default_factory=dict)


def prove(
    rounds: Sequence[Tables],
    open_index: Open,
    *,
    only: Collection[str],
    told: Progress | None = None,
) -> Iterator[Batch]:
    """Prove the lineage of a commit.

    Args:
        rounds: all that the commit holds of every data set, each round once.
        open_index: opens the family tree of the sources that it is given.
        only: the data sets whose findings are wanted; the family tree is always whole.
        told: told how many rounds are done, and of how many; each counts twice.

    Yields:
        What each check found, round by round.

    Raises:
        SchemaError: a table lacks a column, or has one that cannot be read.
    """
    notes, total = _Notes(), 2 * len(rounds)
    for done, round_tables in enumerate(rounds, 1):
        yield from _only(_tables(round_tables, notes, wanted=round_tables.dataset in only), only)
        _tell(told, done, total)
    steps = tree.prove(notes.sources, open_index, notes.unsound)
    for done, batches in enumerate(steps, len(rounds)):
        yield from _only(batches, only)
        _tell(told, done, total)
    for contents in notes.contents.values():
        yield from contents.prove(partial(_accepted, rounds, contents.dataset))
    _tell(told, total, total)


def _only(batches: Iterable[Batch], datasets: Collection[str]) -> Iterator[Batch]:
    return (batch for batch in batches if batch.dataset in datasets)


def _tell(told: Progress | None, done: int, total: int) -> None:
    if told is not None:
        told(done, total)


def _tables(round_tables: Tables, notes: _Notes, *, wanted: bool) -> list[Batch]:
    """Check the tables of a round by themselves, and keep what the family tree needs."""
    round_id = round_tables.dataset, round_tables.round
    keys = tables.read(round_tables)
    batches = list(tables.prove(round_tables, keys))
    if round_tables.source is not None:
        lineage = rows.read(round_tables.source)
        row_batches = list(rows.prove(lineage))
        batches += row_batches
        refused = any(len(some.findings) for some in batches if some.check in REFUSED)
        notes.sources[round_id] = (
            sound.source(round_tables.source) if refused else round_tables.source
        )
        notes.unsound[round_id] = rows.unsound(lineage, row_batches)
    if wanted:
        batches += tables.judged(round_tables, keys)
        batches += payload.prove(round_tables)
        contents = notes.contents.setdefault(round_tables.dataset, Contents(round_tables.dataset))
        contents.add(round_tables.round, keys.accepted)
    return batches


def _accepted(rounds: Sequence[Tables], dataset: str, number: int) -> pl.DataFrame:
    """Read the accepted rows of a round again."""
    (held,) = (
        candidate
        for candidate in rounds
        if (candidate.dataset, candidate.round) == (dataset, number)
    )
    return tables.read(held).accepted
