"""What a round asks of its generator, built the same way in every process that makes shards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipelines.generators.protocol import EstimatesCost, GenerateRequest, Generator
from pipelines.generators.registry import GENERATORS
from pipelines.rounds import model_store, pinned_samples
from pipelines.rounds.context import RoundContext


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


def asks_service(generator: Generator[Any, Any]) -> bool:
    """Whether a generator asks a service, which has one budget, one rate and one cache."""
    return isinstance(generator, EstimatesCost)
