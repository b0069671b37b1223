"""References of a round: the rounds of its parents, and the mixes that it was generated from.

Both the order of rounds and the digest of a segment depend on them. They take a pass over two
columns, so the result is cached in a small file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import polars as pl

from lineage import digests, schema
from lineage.ancestry import files
from lineage.ancestry.source import Source
from lineage.errors import SchemaError

RoundId: TypeAlias = tuple[str, int]
"""A round: data set and number."""
FORMAT: Final = "stemma-ancestry/1"
"""Version of the segment files; another version is built anew."""


@dataclass(frozen=True, slots=True)
class References:
    """The rounds and mixes that the rows of a round reference."""

    parents: tuple[RoundId, ...]
    """Rounds of parents, sorted by number, then data set."""
    mixes: tuple[str, ...]
    """Digests of mixes, sorted."""
    unordered: bool = False
    """Whether a row has a parent in its own round that is not a lower row of it."""


def key(source: Source) -> str:
    """Digest what a round is made of, without the rounds that it references."""
    content = [FORMAT, source.dataset, source.round, source.digest, sorted(source.left_out)]
    return digests.of_json(content)


def find(source: Source, directory: Path) -> References:
    """Find what the rows of a round reference, from the cache directory or by reading the round.

    Raises:
        SchemaError: the round's lineage lacks a column.
        CacheError: the directory cannot be written.
    """
    path = directory / f"{key(source)}.names"
    kept = _read(path)
    if kept is None:
        with schema.readable(f"the lineage of round {source.round} of {source.dataset}"):
            kept = _find(source)
        content = [kept.parents, kept.mixes, kept.unordered]
        files.write_bytes(path, json.dumps([content, digests.of_json(content)]).encode())
    return kept


def _read(path: Path) -> References | None:
    """Read cached references; None where the file is absent or damaged."""
    try:
        content, check = json.loads(path.read_bytes())
        parents, mixes, unordered = content
        named = tuple((dataset, number) for dataset, number in parents)
        kept = References(named, tuple(mixes), unordered)
        sound = all(type(name) is str and type(number) is int for name, number in kept.parents)
        sound = sound and type(unordered) is bool
        sound = sound and all(type(digest) is str for digest in kept.mixes)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return kept if sound and digests.of_json(content) == check else None


def _find(source: Source) -> References:
    rows = source.lineage()
    for name in ("row", "parents", "trained_on"):
        if name not in rows.collect_schema():
            raise SchemaError(f"column {name!r} is missing; add it")
    lists = rows.select(pl.col("row").alias("child"), pl.col("parents").cast(schema.PARENTS))
    edges = lists.filter(pl.col("parents").list.len() > 0).explode("parents").unnest("parents")
    pairs = edges.select("dataset", "round").unique().drop_nulls()
    mixes = rows.select(pl.col("trained_on").cast(pl.String).unique()).drop_nulls()
    (parent_rounds, named) = (query.collect(engine="streaming") for query in (pairs, mixes))
    parents = tuple(parent_rounds.sort("round", "dataset").iter_rows())
    own = (source.dataset, source.round) in parents
    return References(parents, tuple(named["trained_on"].sort()), own and _unordered(edges, source))


def _unordered(edges: pl.LazyFrame, source: Source) -> bool:
    """Whether a parent in the round itself is not a lower row than its child."""
    own = (pl.col("dataset") == source.dataset) & (pl.col("round") == source.round)
    later = (pl.col("row") >= pl.col("child")).fill_null(value=True)
    return bool(len(edges.filter(own, later).select("child").head(1).collect()))
