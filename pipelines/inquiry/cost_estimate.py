"""What a round of a language model will take, said before anything is asked.

The training mix is composed as stage `fit` would compose it, and every request rendered as stage
`generate` would send it; only the sending is left out. So what the cache holds already is known
exactly, and tokens and dollars are a range whose bounds are those of `pipelines.llm.costs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lake.errors import NotFoundError
from pipelines.common.errors import ParamsError
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel, nearest
from pipelines.gate import contamination
from pipelines.generators.protocol import EstimatesCost, GenerateRequest
from pipelines.generators.registry import GENERATORS
from pipelines.llm.costs import Estimate
from pipelines.llm.service_cost import ServiceCost
from pipelines.llm.settings import Service
from pipelines.params import Params, RoundEntry
from pipelines.rounds import manifest, mixes, receipts
from pipelines.rounds.context import RoundContext
from pipelines.scorers import registry
from pipelines.scorers.protocol import EstimatesCost as ScorerCost


@dataclass(frozen=True, slots=True)
class Part:
    """What one stage of a round will ask of a service."""

    stage: str
    service: Service
    expected: Estimate
    seconds: float | None
    """By what the round before took for each request; None: unknown."""


def next_round(params: Params, name: str) -> tuple[Params, str]:
    """The round that a name means.

    Args:
        params: params.yaml.
        name: a round; or a data set, which means its first round that is not published, or the one
            after all of them with the data set's own settings.

    Returns:
        params with that round in it, and its key.

    Raises:
        ParamsError: no round and no data set has this name.
    """
    if name in params.rounds:
        return params, name
    if name not in params.datasets:
        known = [*params.datasets, *params.rounds]
        raise ParamsError(f"there is no data set or round {name!r}{nearest(name, known)}")
    entries = sorted(
        (entry.round, entry.generator, key)
        for key, entry in params.rounds.items()
        if entry.dataset == name
    )
    for number, _, key in entries:
        if not receipts.path(name, number, "publish").is_file():
            return params, key
    kind = entries[-1][1] if entries else params.datasets[name].modality.generator
    last = entries[-1][0] if entries else 0
    content = {"dataset": name, "round": last + 1, "previous": last, "generator": kind}
    key, entry = f"{name}-{last + 1}", RoundEntry.model_validate(content)
    return params.model_copy(update={"rounds": {**params.rounds, key: entry}}), key


def estimate(ctx: RoundContext) -> list[Part]:
    """What the round at work will ask: of its generator, and of its judge where it has one.

    Raises:
        ParamsError: the round's generator asks no service.
        StaleError: the round before it is not published.
        GeneratorError: the prompt cannot be rendered.
    """
    round_ = ctx.round
    generator = GENERATORS.load(round_.generator)
    if not isinstance(generator, EstimatesCost):
        raise ParamsError(
            f"{round_.key} is made by the generator {round_.generator}, which asks no service: it "
            f"costs nothing but time"
        )
    own = round_.settings.generate.of(round_.generator)
    GENERATORS.files({round_.generator: own})  # what it names is there and is text
    samples = _mix(ctx)
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "fit")
    fit = round_.settings.fit.of(round_.generator)
    asked = generator.cost(samples, fit, seed, _request(ctx, own))
    parts = [Part("generate", each.service, each.expected, _seconds(ctx, each)) for each in asked]
    scored = _scorers(ctx, samples)
    return parts + [Part("verify", each.service, each.expected, None) for each in scored]


def _mix(ctx: RoundContext) -> pl.DataFrame:
    """The training mix that the round's generator will learn from."""
    pinned = ctx.previous().commit
    contaminated = contamination.at(ctx, pinned)
    return mixes.build(ctx.lake, pinned, ctx.round, contaminated=contaminated).samples


def _request(ctx: RoundContext, own: StrictModel) -> GenerateRequest[Any]:
    """What the round will ask of its generator, whose files are not there yet."""
    round_ = ctx.round
    return GenerateRequest(
        dataset=round_.dataset,
        round=round_.number,
        seed=round_.seed,
        identity=round_.identity,
        candidates=round_.settings.generate.candidates,
        shard_rows=round_.settings.generate.shard_rows,
        settings=own,
        directory=Path(),
    )


def _scorers(ctx: RoundContext, samples: pl.DataFrame) -> Iterator[ServiceCost]:
    """What scorers will ask about all candidates, with rows of the mix in their place."""
    count = ctx.round.settings.generate.candidates
    whole = samples.drop_nulls().filter(pl.col("weight") > 0).head(count)
    shown = ctx.round.settings.modality.shown(whole)
    for name, given in ctx.round.settings.verify.scorers.items():
        scorer = registry.load(name)
        if isinstance(scorer, ScorerCost):
            yield scorer.cost(shown, count, registry.settings(name, given))


def _seconds(ctx: RoundContext, asked: ServiceCost) -> float | None:
    """What the requests take, if the round before asked the same service and was timed."""
    round_ = ctx.round
    try:
        about = manifest.read(ctx.lake, ctx.previous().commit, round_.dataset, round_.previous)
    except NotFoundError:
        return None
    before: Mapping[str, Any] = about.get("cost", {}).get("generate", {})
    sent = int(before.get("requests", 0)) - int(before.get("cached", 0))
    if sent <= 0 or about.get("environment", {}).get("model") != asked.service.model:
        return None
    return float(before["seconds"]) / sent * (asked.expected.requests - asked.expected.cached)
