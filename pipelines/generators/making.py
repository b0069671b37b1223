"""The shards of a round, and what becomes of them together.

A generator streams the rows of each shard (`protocol.Generator`); here they become the candidates
of a round. Rows that could not be made leave no gap: the others move up, and their parents with
them. Stage `generate` may have its shards made elsewhere (`pipelines.generation`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl

from lineage import edges
from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.generators import exchanges
from pipelines.generators.protocol import (
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
    ReportsShards,
)
from pipelines.generators.slots import Slots

SHARE: Final = "opaque_share"
DENSE: Final = {"row": pl.Int64, "planned": pl.Int64}
"""Where each candidate stands, and the row that was planned for it."""


@dataclass(frozen=True, slots=True, eq=False)
class MadeShard:
    """The candidates of a shard with their planned rows, and their parents."""

    candidates: pl.DataFrame | None
    """As `GenerateBatch.candidates`, of all batches; None: there are none."""
    parents: pl.DataFrame | None
    """As `GenerateBatch.parents`, of all batches; None: no batch had any."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """As `ReportsShards.shard_facts`."""


def make(generator: Generator[Any, Any], request: GenerateRequest[Any]) -> GenerateResult:
    """Make all candidates of a round.

    Raises:
        GeneratorError: the generator cannot make them, or made rows that nobody asked for.
        ServiceError: the service that it asks cannot be used, or too much failed.
    """
    return make_shards(generator, generator.plan(request))


def make_shards(generator: Generator[Any, Any], plan: GeneratePlan[Any]) -> GenerateResult:
    """Make the shards of a plan, one after the other.

    Raises:
        GeneratorError: as `make`.
    """
    return result(generator, plan, {each: shard(generator, plan, each) for each in plan.shards})


def make_until(
    generator: Generator[Any, Any],
    plan: GeneratePlan[Any],
    enough: Callable[[pl.DataFrame, pl.DataFrame | None], bool],
    made: Callable[[Shard], MadeShard] | None = None,
) -> GenerateResult:
    """Make the shards of a plan, one after the other, until there are enough candidates.

    Args:
        generator: makes them.
        plan: of all shards that may be made.
        enough: is told the candidates so far and their parents, as `GenerateResult` has them.
        made: makes a shard, or finds it where it was made before; None: the generator makes it.

    Raises:
        GeneratorError: as `make`.
    """
    done: dict[Shard, MadeShard] = {}
    for each in plan.shards:
        done[each] = shard(generator, plan, each) if made is None else made(each)
        filled = any(part.candidates is not None for part in done.values())
        if filled and enough(*_rows(generator, list(done.values()))):
            break
    return result(generator, plan, done)


def shard(generator: Generator[Any, Any], plan: GeneratePlan[Any], own: Shard) -> MadeShard:
    """Make one shard.

    Raises:
        GeneratorError: it cannot be made, or the generator made rows that nobody asked for.
    """
    batches = list(generator.generate(plan, own))
    rows = [row for each in batches for row in each.candidates["row"].to_list()]
    if len(set(rows)) < len(rows) or not set(rows) <= set(own.rows):
        raise GeneratorError(
            f"the generator {generator.name} made other rows for shard {own.index} than the "
            f"{len(own.rows)} from {own.start} on that it was asked for"
        )
    filled = [each.candidates for each in batches if len(each.candidates)]
    parents = [each.parents for each in batches if each.parents is not None]
    return MadeShard(
        pl.concat(filled, how="diagonal") if filled else None,
        pl.concat(parents, how="diagonal") if parents else None,
        generator.shard_facts(plan, own) if isinstance(generator, ReportsShards) else {},
    )


def result(
    generator: Generator[Any, Any],
    plan: GeneratePlan[Any],
    made: Mapping[Shard, MadeShard],
    report: GenerateReport | None = None,
) -> GenerateResult:
    """Put the shards of a round together.

    Args:
        generator: made them.
        plan: of the round.
        made: each shard that was made; those of the plan that are not there have no part in it.
        report: how they were made, where another process says so; None: the generator is asked.

    Raises:
        GeneratorError: there is no candidate.
    """
    ordered = sorted(made, key=lambda each: each.index)
    parts = [made[each] for each in ordered]
    if not any(each.candidates is not None for each in parts):
        raise GeneratorError(f"the generator {generator.name} made no candidate")
    candidates, parents = _rows(generator, parts)
    if report is None:
        facts = {each.index: made[each].facts for each in ordered}
        report = generator.report(replace(plan, shards=tuple(ordered), made=facts))
    if report.exchanges is not None:
        rows = [each.candidates["row"] for each in parts if each.candidates is not None]
        planned = pl.concat(rows).sort().to_list()
        report = replace(report, exchanges=exchanges.numbered(report.exchanges, planned))
    slots = Slots(*(sum(len(each.rows) for each in own) for own in (plan.shards, ordered)))
    return GenerateResult(candidates, parents, report, slots)


def _rows(
    generator: Generator[Any, Any], parts: Sequence[MadeShard]
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Put shards together, without gaps: candidates and parents."""
    filled = [each.candidates for each in parts if each.candidates is not None]
    rows = pl.concat(filled, how="diagonal").sort("row")  # one can lack a kept column
    if SHARE not in rows.columns:
        rows = rows.with_columns(pl.lit(generator.opaque_share, pl.Float64).alias(SHARE))
    dense = pl.DataFrame({"row": range(len(rows)), "planned": rows["row"]}, DENSE)
    return rows.with_columns(dense["row"]), _parents(parts, dense)


def _parents(parts: Sequence[MadeShard], dense: pl.DataFrame) -> pl.DataFrame | None:
    """Collect all parents and renumber their candidates; None if no shard has parents.

    Args:
        parts: in order.
        dense: row of each candidate now, and its planned one.
    """
    frames = [each.parents for each in parts if each.parents is not None]
    if not frames:
        return None
    parents = pl.concat(frames, how="diagonal").rename({"row": "planned"})
    renumbered = parents.join(dense, on="planned", how="inner", maintain_order="left").drop(
        "planned"
    )
    return renumbered.select(
        *edges.PARENT, *(name for name in renumbered.columns if name not in edges.PARENT)
    )
