"""The kept shards of a round as one round, without ever holding its payload.

Shards are read twice, one by one: first the columns that say where a candidate stands and what
lineage records of it, with parents and facts; then, when the round is written, the payload. What is
held at once is those compact columns of all candidates, and of the payload one block: shards
together up to `parts.BLOCK_ROWS` rows or `parts.BLOCK_BYTES`, or one shard that is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.generation.kept_shards import KeptShards
from pipelines.generation.shard_worker import OpenedRound
from pipelines.generators import making
from pipelines.generators.making import SHARE, MadeShard
from pipelines.generators.protocol import GenerateReport, GenerateResult
from pipelines.rounds import parts
from pipelines.rounds.candidate_lineage import RECORDED

COMPACT = (*RECORDED, SHARE)
"""Columns that are held of all candidates of a round."""


@dataclass(frozen=True, slots=True)
class RoundMade:
    """The candidates of a round: compact columns, and the payload as it is asked for."""

    result: GenerateResult
    """Its candidates may have the columns `COMPACT` alone."""
    payload: Callable[[], Iterator[pl.DataFrame]]
    """Gives all columns of the candidates, block by block in order of their rows."""

    @classmethod
    def whole(cls, result: GenerateResult) -> RoundMade:
        """A round that is in memory."""
        return cls(result, lambda: iter([result.candidates]))


def join(
    opened: OpenedRound, shards: Iterable[Shard], report: GenerateReport | None = None
) -> RoundMade:
    """Put kept shards together.

    Args:
        opened: the round.
        shards: those of its plan that were made.
        report: how they were made, where another process says so; None: the generator is asked.

    Raises:
        GeneratorError: there is no candidate, or a shard has gone meanwhile.
    """
    ordered = sorted(shards, key=lambda each: each.index)
    made, types, starts = {}, dict[str, pl.DataType](), {}
    start = 0
    for each in ordered:
        part = read(opened.kept, each)
        rows = part.candidates
        if rows is not None:
            types |= {name: kind for name, kind in rows.schema.items() if name not in types}
            starts[each] = start
            start += len(rows)
            rows = rows.select(name for name in COMPACT if name in rows.columns)
        made[each] = MadeShard(rows, part.parents, part.facts)
    result = making.result(opened.generator, opened.plan, made, report)
    if SHARE not in types:
        types[SHARE] = pl.Float64()
    blocks = partial(_blocks, opened, starts, types)
    return RoundMade(result, blocks)


def read(kept: KeptShards, shard: Shard) -> MadeShard:
    """Read a kept shard.

    Raises:
        GeneratorError: it has gone meanwhile.
    """
    made = kept.read(shard)
    if made is None:
        raise GeneratorError(
            f"the kept shard {kept.path(shard)} has gone or was changed while the stage ran; run "
            "the stage again"
        )
    return made


def _blocks(
    opened: OpenedRound, starts: Mapping[Shard, int], types: Mapping[str, pl.DataType]
) -> Iterator[pl.DataFrame]:
    """The candidates with all columns, block by block."""
    held: list[pl.DataFrame] = []
    for shard, start in starts.items():
        rows = _candidates(opened, shard, start, types)
        size = sum(int(each.estimated_size()) for each in (*held, rows))
        many = sum(map(len, held)) + len(rows) > parts.BLOCK_ROWS
        if held and (many or size > parts.BLOCK_BYTES):
            yield pl.concat(held, rechunk=True)
            held = []
        held.append(rows)
    if held:
        yield pl.concat(held, rechunk=True)


def _candidates(
    opened: OpenedRound, shard: Shard, start: int, types: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """All columns of a shard, with the rows that its candidates have in the round."""
    rows = read(opened.kept, shard).candidates
    if rows is None:
        raise GeneratorError(f"the kept shard {opened.kept.path(shard)} was changed meanwhile")
    rows = rows.sort("row")
    dense = pl.int_range(start, start + len(rows), dtype=pl.Int64, eager=True)
    share = pl.lit(opened.generator.opaque_share, pl.Float64).alias(SHARE)
    missing = [
        share if name == SHARE else pl.lit(None, kind).alias(name)
        for name, kind in types.items()
        if name not in rows.columns
    ]
    return rows.with_columns(dense.alias("row"), *missing).select(list(types))


def shards_but(shards: Sequence[Shard], gone: Iterable[Shard]) -> list[Shard]:
    """Shards without some of them."""
    left_out = {each.index for each in gone}
    return [each for each in shards if each.index not in left_out]
