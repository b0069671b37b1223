"""What a worker does: it opens the round by itself, plans it once, makes shards and keeps them.

A worker has the project's folder, the round's name in params.yaml and the key of the stage, and
builds everything else as the stage does: settings, the lake, the generator and its plan. What it
makes goes into the kept shards of the project, so that little is sent between processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pipelines.common.errors import StaleError
from pipelines.common.shards import Shard
from pipelines.generation import requests
from pipelines.generation.kept_shards import KeptShards
from pipelines.generators import making
from pipelines.generators.protocol import GeneratePlan, GenerateReport, Generator
from pipelines.rounds import stage_inputs
from pipelines.rounds.context import open_context

CHANGED: Final = (
    "params.yaml or a file that the round is made with was changed while the stage {stage} ran; "
    "run it again"
)


@dataclass(frozen=True, slots=True)
class ShardOrder:
    """What a worker is told: plain values."""

    project: str
    """The project's folder."""
    round: str
    """The round's name in params.yaml."""
    key: str
    """The key of the stage, which the worker must find too."""
    mark: str
    """A file that is in the project's folder itself, and in no copy of it."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that the worker lacks, such as keys of services."""


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """A round that was planned in this process."""

    generator: Generator[Any, Any]
    plan: GeneratePlan[Any]
    kept: KeptShards
    is_here: bool = True
    """Whether this process has the project's folder itself, and not a copy."""


def opened(order: ShardOrder) -> OpenedRound:
    """Open and plan a round in a worker's process.

    Raises:
        StaleError: settings or files are others than when the stage began.
    """
    is_here = enter(order)
    ctx = open_context(order.round)
    key = stage_inputs.key(ctx.round, "generate", ctx.receipt("fit").key)
    if key.key != order.key:
        raise StaleError(CHANGED.format(stage="generate"))
    generator, request = requests.of_round(ctx)
    return OpenedRound(generator, generator.plan(request), KeptShards.of(ctx.round, key), is_here)


def enter(order: ShardOrder) -> bool:
    """Prepare a worker's process: folder, environment, and that it says nothing.

    Returns:
        Whether it has the project's folder itself, and not a copy.
    """
    os.environ.update(order.environment)
    is_here = Path(order.mark).is_file()
    if is_here:
        os.chdir(Path(order.project))
    # What opening a round says has been said where the stage runs.
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  as long as it runs
    return is_here


def make(own: OpenedRound, shard: Shard) -> dict[str, bytes] | None:
    """Make a shard and keep it; from a copy of the project, return its files instead.

    Raises:
        GeneratorError: it cannot be made.
    """
    files = own.kept.encoded(shard, making.shard(own.generator, own.plan, shard))
    if not own.is_here:
        return files
    own.kept.put(shard, files)
    return None


def make_all(own: OpenedRound, _: Shard) -> tuple[dict[Shard, dict[str, bytes]], GenerateReport]:
    """Make all shards of a round, and say how, in one process that asks a service for all of them.

    Raises:
        GeneratorError: they cannot be made.
        ServiceError: the service cannot be used.
    """
    made = {each: making.shard(own.generator, own.plan, each) for each in own.plan.shards}
    facts = {each.index: part.facts for each, part in made.items()}
    report = own.generator.report(replace(own.plan, made=facts))
    return {each: own.kept.encoded(each, part) for each, part in made.items()}, report
