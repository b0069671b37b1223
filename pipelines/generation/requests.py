"""What a round asks of its generator, built the same way in every process that makes shards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from pipelines.generators.protocol import EstimatesCost, GenerateRequest, Generator
from pipelines.generators.registry import GENERATORS
from pipelines.params import Round
from pipelines.rounds import model_store, pinned_samples
from pipelines.rounds.context import RoundContext

JUDGED: Final = "generate.accepted judges each shard before the next one is made"


def of_round(ctx: RoundContext) -> tuple[Generator[Any, Any], GenerateRequest[Any]]:
    """Load the generator of a round, and build the request for the round's candidates."""
    round_ = ctx.round
    directory = model_store.directory(round_.dataset, round_.number)
    request = replace(round_.generate_request(directory), samples=pinned_samples.reader(ctx.lake))
    generator = GENERATORS.load(round_.generator)
    if generator.scored_by(request.settings) is not None:
        from pipelines.verification import row_scores  # noqa: PLC0415  imports Great Expectations

        request = replace(request, score=row_scores.score(ctx))
    return generator, request


def why_together(round_: Round, generator: Generator[Any, Any]) -> str | None:
    """Why the shards of a round cannot be made apart from each other; None: they can."""
    if round_.accepted is not None:
        return JUDGED
    return asked_together(generator) if asks_service(generator) else None


def asked_together(generator: Generator[Any, Any]) -> str:
    """Say why a generator that asks a service makes all shards in one process."""
    return f"{generator.name} asks a service, so one process with one budget asks for all"


def asks_service(generator: Generator[Any, Any]) -> bool:
    """Whether a generator asks a service, which has one budget, one rate and one cache."""
    return isinstance(generator, EstimatesCost)
