"""Estimate the cost of a round of a language model before any request is sent.

The training mix is composed as stage `fit` would compose it, and every request is rendered as stage
`generate` would send it. So the number of answers in the cache is exact, and tokens and dollars are
ranges whose bounds are those of `pipelines.llm.costs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from lake.errors import NotFoundError
from pipelines.common import console
from pipelines.common.errors import ParamsError
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import nearest
from pipelines.gate import contamination
from pipelines.generators import real
from pipelines.generators.protocol import EstimatesCost, GenerateRequest
from pipelines.generators.registry import GENERATORS
from pipelines.llm.costs import Estimate
from pipelines.llm.service_cost import ServiceCost
from pipelines.llm.settings import Service
from pipelines.params import Params, RoundEntry
from pipelines.rounds import manifest, mixes, pinned_samples, receipts
from pipelines.rounds.context import RoundContext
from pipelines.scorers import registry
from pipelines.scorers.protocol import EstimatesCost as ScorerCost
from pipelines.takedown import denied_rows


@dataclass(frozen=True, slots=True)
class Part:
    """The estimated requests of one stage of a round to a service."""

    stage: str
    service: Service
    expected: Estimate
    seconds: float | None
    """Estimated by the time per request of the previous round; None: unknown."""
    pictures: bool = False
    """Whether they ask for pictures, which have prices of their own."""


def next_round(params: Params, name: str) -> tuple[Params, str]:
    """Find the round that a name means.

    Args:
        params: The content of params.yaml.
        name: A round; or a data set, which means its first unpublished round, or a further round
            with the data set's settings if all are published.

    Returns:
        `params` with that round, and the round's key.

    Raises:
        ParamsError: No round and no data set has this name.
    """
    if name in params.rounds:
        return params, name
    if name not in params.datasets:
        names = [*params.datasets, *params.rounds]
        raise ParamsError(f"there is no data set or round {name!r}{nearest(name, names)}")
    entries = sorted(
        (entry.round, entry.generator, key)
        for key, entry in params.rounds.items()
        if entry.dataset == name and entry.generator != real.NAME
    )
    for number, _, key in entries:
        if not receipts.path(name, number, "publish").is_file():
            return params, key
    generator = entries[-1][1] if entries else params.datasets[name].modality.generator
    last = max((each.round for each in params.rounds.values() if each.dataset == name), default=0)
    content = {"dataset": name, "round": last + 1, "previous": last, "generator": generator}
    key, entry = f"{name}-{last + 1}", RoundEntry.model_validate(content)
    return params.model_copy(update={"rounds": {**params.rounds, key: entry}}), key


def estimate(ctx: RoundContext) -> list[Part]:
    """Estimate the requests of a round: those of its generator and of its scorers.

    Returns:
        A part for each service that is asked; none where the round asks no service.

    Raises:
        StaleError: The previous round is not published.
        GeneratorError: The prompt cannot be rendered.
    """
    round_ = ctx.round
    generator = GENERATORS.load(round_.generator)
    asking = generator if isinstance(generator, EstimatesCost) else None
    judges = [
        name
        for name in round_.settings.verify.scorers
        if isinstance(registry.load(name), ScorerCost)
    ]
    if asking is None and not judges:
        return []
    own = round_.settings.generate.of(round_.generator)
    GENERATORS.files({round_.generator: own})  # checks the files that the settings name
    samples = mix(ctx)
    request = round_.generate_request(Path())  # the files do not exist yet
    samples_of = pinned_samples.reader(ctx.lake)
    request = replace(request, expected=_expected(ctx), samples=samples_of)
    parts = [] if asking is None else list(_generator_costs(ctx, asking, samples, request))
    costs = scorer_costs(ctx, samples, request.expected or request.candidates)
    return parts + [Part("verify", cost.service, cost.expected, None) for cost in costs]


def _generator_costs(
    ctx: RoundContext,
    generator: EstimatesCost,
    samples: pl.DataFrame,
    request: GenerateRequest[Any],
) -> Iterator[Part]:
    round_ = ctx.round
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "fit")
    fit = round_.settings.fit.of(round_.generator)
    for cost in generator.cost(samples, fit, seed, request):
        yield Part("generate", cost.service, cost.expected, _seconds(ctx, cost), cost.pictures)


def mix(ctx: RoundContext) -> pl.DataFrame:
    """Compose the training mix that the round's generator will learn from."""
    pinned = ctx.previous().commit
    contaminated = contamination.at_commit(ctx, pinned)
    denied = denied_rows.of_mix(ctx.lake, pinned, ctx.round)
    mix = mixes.build(ctx.lake, pinned, ctx.round, contaminated=contaminated, denied=denied)
    return mix.samples


def _expected(ctx: RoundContext) -> int | None:
    """Estimate how many candidates a round makes that ends when enough are accepted.

    It is as many as the acceptance of the previous round asks for, in whole shards; None: the round
    makes all candidates, or no round before has an acceptance.
    """
    round_, generate = ctx.round, ctx.round.settings.generate
    if round_.accepted is None:
        return None
    counts = _counts(ctx)
    candidates, passed = counts.get("candidates"), counts.get("accepted", 0)
    if not candidates or not passed:
        console.line(
            f"no round before says how many candidates are accepted; estimated is the most, "
            f"{generate.candidates:,}"
        )
        return None
    share = (passed + counts.get("surplus", 0)) / candidates
    shards = math.ceil(round_.accepted / share / generate.shard_rows)
    expected = min(generate.candidates, shards * generate.shard_rows)
    console.line(
        f"estimated for {expected:,} of at most {generate.candidates:,} candidates, since round "
        f"{round_.previous} accepted {share:.0%} and {round_.accepted:,} are wanted"
    )
    return expected


def _counts(ctx: RoundContext) -> Mapping[str, int]:
    """What became of the candidates of the previous round; empty if no generator made it."""
    round_ = ctx.round
    if not round_.previous:
        return {}
    try:
        content = manifest.read(ctx.lake, ctx.previous().commit, round_.dataset, round_.previous)
    except NotFoundError:
        return {}
    counts = content.get("counts")
    whole = counts if isinstance(counts, Mapping) else {}
    return {name: count for name, count in whole.items() if isinstance(count, int)}


def scorer_costs(ctx: RoundContext, samples: pl.DataFrame, count: int) -> Iterator[ServiceCost]:
    """Estimate the requests of scorers, with rows of the mix in place of the candidates."""
    modality = ctx.round.settings.modality
    whole = samples.drop_nulls(modality.columns(samples))
    shown = modality.shown(whole.filter(pl.col("weight") > 0).head(count))
    for name, given in ctx.round.settings.verify.scorers.items():
        scorer = registry.load(name)
        if isinstance(scorer, ScorerCost):
            yield scorer.cost(shown, count, registry.settings(name, given))


def _seconds(ctx: RoundContext, cost: ServiceCost) -> float | None:
    """Estimate the time of requests, if the previous round used the same model and was timed."""
    round_ = ctx.round
    try:
        content = manifest.read(ctx.lake, ctx.previous().commit, round_.dataset, round_.previous)
    except NotFoundError:
        return None
    measured: Mapping[str, Any] = content.get("cost", {}).get("generate", {})
    sent = int(measured.get("requests", 0)) - int(measured.get("cached", 0))
    if sent <= 0 or content.get("environment", {}).get("model") != cost.service.model:
        return None
    return float(measured["seconds"]) / sent * (cost.expected.requests - cost.expected.cached)
