"""All shards of a round, one after the other, as one result.

A generator streams the rows of each shard (`protocol.Generator`); here they become the candidates
of a round. Rows that could not be made leave no gap: the others move up, and their parents with
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from lineage import edges
from pipelines.common import shards
from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.generators import exchanges
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateRequest,
    GenerateResult,
    Generator,
)

SHARE: Final = "opaque_share"
DENSE: Final = {"row": pl.Int64, "planned": pl.Int64}
"""Where each candidate stands, and the row that was planned for it."""


def make(generator: Generator[Any, Any], request: GenerateRequest[Any]) -> GenerateResult:
    """Make all candidates of a round.

    Raises:
        GeneratorError: the generator cannot make them, or made rows that nobody asked for.
        ServiceError: the service that it asks cannot be used, or too much failed.
    """
    return make_shards(generator, generator.plan(request))


def make_shards(generator: Generator[Any, Any], plan: GeneratePlan[Any]) -> GenerateResult:
    """Make the shards of a plan.

    Raises:
        GeneratorError: as `make`.
    """
    parts = shards.run(iter(plan.shards), lambda shard: _batches(generator, plan, shard))
    return _result(generator, plan, [batch for part in parts for batch in part])


def make_until(
    generator: Generator[Any, Any],
    plan: GeneratePlan[Any],
    enough: Callable[[pl.DataFrame, pl.DataFrame | None], bool],
) -> GenerateResult:
    """Make the shards of a plan, one after the other, until there are enough candidates.

    Args:
        generator: makes them.
        plan: of all shards that may be made.
        enough: is told the candidates so far and their parents, as `GenerateResult` has them.

    Raises:
        GeneratorError: as `make`.
    """
    batches: list[GenerateBatch] = []
    done: list[Shard] = []
    for shard in plan.shards:
        done.append(shard)
        batches += _batches(generator, plan, shard)
        if any(len(each.candidates) for each in batches) and enough(*_rows(generator, batches)):
            break
    return _result(generator, replace(plan, shards=tuple(done)), batches)


def _result(
    generator: Generator[Any, Any], plan: GeneratePlan[Any], batches: Sequence[GenerateBatch]
) -> GenerateResult:
    if not any(len(each.candidates) for each in batches):
        raise GeneratorError(f"the generator {generator.name} made no candidate")
    candidates, parents = _rows(generator, batches)
    report = generator.report(plan)
    if report.exchanges is not None:
        planned = sorted(row for each in batches for row in each.candidates["row"].to_list())
        numbered = exchanges.numbered(report.exchanges, planned)
        report = replace(report, exchanges=numbered)
    return GenerateResult(candidates, parents, report)


def _rows(
    generator: Generator[Any, Any], batches: Sequence[GenerateBatch]
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Put batches together, without gaps: candidates and parents."""
    filled = [each.candidates for each in batches if len(each.candidates)]
    rows = pl.concat(filled, how="diagonal").sort("row")  # one can lack a kept column
    if SHARE not in rows.columns:
        rows = rows.with_columns(pl.lit(generator.opaque_share, pl.Float64).alias(SHARE))
    dense = pl.DataFrame({"row": range(len(rows)), "planned": rows["row"]}, DENSE)
    return rows.with_columns(dense["row"]), _parents(batches, dense)


def _batches(
    generator: Generator[Any, Any], plan: GeneratePlan[Any], shard: Shard
) -> list[GenerateBatch]:
    batches = list(generator.generate(plan, shard))
    rows = [row for each in batches for row in each.candidates["row"].to_list()]
    if len(set(rows)) < len(rows) or not set(rows) <= set(shard.rows):
        raise GeneratorError(
            f"the generator {generator.name} made other rows for shard {shard.index} than the "
            f"{len(shard.rows)} from {shard.start} on that it was asked for"
        )
    return batches


def _parents(batches: Iterable[GenerateBatch], dense: pl.DataFrame) -> pl.DataFrame | None:
    """Collect all parents and renumber their candidates; None if no batch has parents.

    Args:
        batches: in order.
        dense: row of each candidate now, and its planned one.
    """
    frames = [each.parents for each in batches if each.parents is not None]
    if not frames:
        return None
    parents = pl.concat(frames, how="diagonal").rename({"row": "planned"})
    renumbered = parents.join(dense, on="planned", how="inner", maintain_order="left").drop(
        "planned"
    )
    return renumbered.select(
        *edges.PARENT, *(name for name in renumbered.columns if name not in edges.PARENT)
    )
