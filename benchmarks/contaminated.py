"""Generations of samples in which some descend from held-out rows, with the lineage of all.

Generation 0 is real: rows of the training split, and held-out rows that got among them, equal or
near. A model of unknown training data makes generation 1; some of its samples are held-out rows
that it recites, equal or near. All others are made from samples of the generation before, which the
lineage names. The generations after it are rewritten in the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from lineage import edges, record, schema

DATASET: Final = "planted"
JOINED: Final = 0.2
"""Share of the samples that have as many parents as there may be."""

Contents = NDArray[Any]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Real content, split."""

    train: Contents
    held: Contents


@dataclass(frozen=True, slots=True)
class Copies:
    """Which contents are held-out ones, [n] each."""

    equal: Flags
    near: Flags


class Kind(ABC):
    """A kind of content: where it comes from, how it is rewritten, how copies are found."""

    name: str
    relations: tuple[str, ...]
    """Of the edges to parents, drawn at random."""
    most_parents: int

    @abstractmethod
    def corpus(self, seed: int) -> Corpus:
        """Real content, split by a key made of the seed."""

    @abstractmethod
    def ids(self, contents: Contents) -> pl.Series:
        """Content ids, [n]."""

    @abstractmethod
    def near_copies(self, contents: Contents, draw: Generator) -> Contents:
        """Contents as they come around: not equal, and plainly the same."""

    @abstractmethod
    def rewrite(self, parents: Sequence[Contents], draw: Generator) -> Contents:
        """Make one sample [n] of the parents at each place ([n] for each parent)."""

    @abstractmethod
    def leaks(self, contents: Contents, held: Contents) -> Copies:
        """What the guard would find by content."""

    @abstractmethod
    def baselines(self, contents: Contents, held: Contents) -> dict[str, Flags]:
        """What others flag by content, by name."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Samples of each generation."""

    clean: int = 3000
    contaminated: int = 600
    leaked: int = 100
    """Held-out rows among the real ones, and again as many that the model recites."""
    generations: int = 3


@dataclass(frozen=True, slots=True)
class Round:
    """A generation: contents, whether they come from held-out rows, lineage."""

    number: int
    contents: Contents
    contaminated: Flags
    rewritten: Flags
    """Whether it was made from parents."""
    lineage: pl.DataFrame


def grow(kind: Kind, corpus: Corpus, sizes: Sizes, draw: Generator) -> list[Round]:
    """Make all generations, with their lineage."""
    rounds = [_real(kind, corpus, sizes, draw)]
    for number in range(1, sizes.generations + 1):
        recited = _leaked(kind, corpus, sizes.leaked, draw) if number == 1 else corpus.held[:0]
        rounds.append(_next(kind, rounds, recited, sizes, draw))
    return rounds


def _real(kind: Kind, corpus: Corpus, sizes: Sizes, draw: Generator) -> Round:
    leaked = _leaked(kind, corpus, sizes.leaked, draw)
    contents = np.concatenate([corpus.train, leaked])
    contaminated = np.arange(len(contents)) >= len(corpus.train)
    rows = pl.DataFrame({"row": np.arange(len(contents)), "source": "s", "licence": None})
    lineage = record.real(rows.with_columns(kind.ids(contents).alias("sample_id")))
    return Round(0, contents, contaminated, np.zeros_like(contaminated), lineage)


def _leaked(kind: Kind, corpus: Corpus, count: int, draw: Generator) -> Contents:
    """Held-out rows, half of them equal, half of them near."""
    chosen = corpus.held[draw.permutation(len(corpus.held))[:count]]
    half = len(chosen) // 2
    return np.concatenate([chosen[:half], kind.near_copies(chosen[half:], draw)])


def _next(
    kind: Kind, rounds: Sequence[Round], recited: Contents, sizes: Sizes, draw: Generator
) -> Round:
    """Rewrite clean samples and contaminated ones, each from parents of its own sort."""
    before = rounds[-1]
    contaminated = np.repeat([False, True], [sizes.clean, sizes.contaminated])
    first, second = (_draw(before, contaminated, draw) for _ in range(2))
    joined = (draw.random(len(first)) < JOINED) & (kind.most_parents > 1) & (first != second)
    contents = kind.rewrite([before.contents[first]], draw)
    if joined.any():
        pair = [before.contents[each[joined]] for each in (first, second)]
        contents[joined] = kind.rewrite(pair, draw)
    links = _links(kind, before.number, first, np.where(joined, second, -1), draw)
    whole = np.concatenate([contents, recited])
    rewritten = np.arange(len(whole)) < len(contents)
    lineage = _lineage(kind, rounds, whole, links)
    return Round(
        before.number + 1,
        whole,
        np.concatenate([contaminated, ~rewritten[len(contents) :]]),
        rewritten,
        lineage,
    )


def _draw(before: Round, contaminated: Flags, draw: Generator) -> NDArray[np.int64]:
    """A parent for each sample: contaminated ones for contaminated ones, clean for clean."""
    found = np.empty(len(contaminated), dtype=np.int64)
    for sort in (False, True):
        known = np.flatnonzero(before.contaminated == sort)
        found[contaminated == sort] = draw.choice(known, int((contaminated == sort).sum()))
    return found


def _links(
    kind: Kind,
    number: int,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    draw: Generator,
) -> pl.DataFrame:
    """Edges of each sample to its parents, of equal weight, as `edges.PARENT`."""
    rows = np.arange(len(first))
    weight = np.where(second < 0, 1.0, 0.5)
    relation = draw.choice(kind.relations, len(first))
    ends = pl.DataFrame({"row": rows, "weight": weight, "relation": relation})
    both = [ends.with_columns(pl.Series("parent_row", each)) for each in (first, second)]
    known = pl.concat(both).filter(pl.col("parent_row") >= 0)
    placed = known.with_columns(
        pl.lit(DATASET).alias("dataset"), pl.lit(number, pl.Int32).alias("round")
    )
    return schema.conform(placed, edges.PARENT)


def _lineage(
    kind: Kind, rounds: Sequence[Round], contents: Contents, links: pl.DataFrame
) -> pl.DataFrame:
    number = rounds[-1].number + 1
    frame = pl.DataFrame({"row": np.arange(len(contents)), "seed": 0, "shard": 0})
    stored = pl.concat([each.lineage for each in rounds])
    return record.derive(
        frame.with_columns(kind.ids(contents).alias("sample_id")),
        round_number=number,
        dataset=DATASET,
        generator=f"templates/{number}",
        attribution="parents/1",
        mix=None,
        parents=links,
        stored=stored.with_columns(pl.lit(DATASET).alias("dataset")),
    )
