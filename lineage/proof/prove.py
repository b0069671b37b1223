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

from lineage.ancestry.source import Progress, Source
from lineage.proof import rows, sound, tables, tree
from lineage.proof.contents import Contents
from lineage.proof.findings import Batch
from lineage.proof.graph import Place
from lineage.proof.tables import Tables
from lineage.proof.tree import Open

REFUSED: Final = ("rows", "kinds", "weights", "parents", "sample_ids", "decisions")
"""Checks that find what the index refuses."""


@dataclass(slots=True, eq=False)
class _Notes:
    """What is kept from one pass to the next."""

    sources: dict[Place, Source] = field(default_factory=dict)
    """Rounds as the index takes them."""
    unsound: dict[Place, pl.Series] = field(default_factory=dict)
    """Rows that nothing can be derived from, for what their own lineage says."""
    contents: dict[str, Contents] = field(default_factory=dict)


def prove(
    rounds: Sequence[Tables],
    open_index: Open,
    *,
    only: Collection[str],
    told: Progress | None = None,
) -> Iterator[Batch]:
    """Check the lineage of a commit.

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
    for done, each in enumerate(rounds, 1):
        yield from _only(_tables(each, notes, wanted=each.dataset in only), only)
        _tell(told, done, total)
    steps = tree.prove(notes.sources, open_index, notes.unsound)
    for done, found in enumerate(steps, len(rounds)):
        yield from _only(found, only)
        _tell(told, done, total)
    for known in notes.contents.values():
        yield from known.prove(partial(_accepted, rounds, known.dataset))
    _tell(told, total, total)


def _only(found: Iterable[Batch], datasets: Collection[str]) -> Iterator[Batch]:
    return (each for each in found if each.dataset in datasets)


def _tell(told: Progress | None, done: int, total: int) -> None:
    if told is not None:
        told(done, total)


def _tables(each: Tables, notes: _Notes, *, wanted: bool) -> list[Batch]:
    """Check what a round's tables say by themselves, and note what the family tree needs."""
    at = each.dataset, each.round
    keys = tables.read(each)
    found = list(tables.prove(each, keys))
    if each.source is not None:
        lineage = rows.read(each.source)
        said = list(rows.prove(lineage))
        found += said
        refused = any(len(some.findings) for some in found if some.check in REFUSED)
        notes.sources[at] = sound.source(each.source) if refused else each.source
        notes.unsound[at] = rows.unsound(lineage, said)
    if wanted:
        found += tables.judged(each, keys)
        known = notes.contents.setdefault(each.dataset, Contents(each.dataset))
        known.add(each.round, keys.accepted)
    return found


def _accepted(rounds: Sequence[Tables], dataset: str, number: int) -> pl.DataFrame:
    """Read the accepted rows of a round again."""
    (held,) = (each for each in rounds if (each.dataset, each.round) == (dataset, number))
    return tables.read(held).accepted
