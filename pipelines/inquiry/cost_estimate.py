"""What a round of a language model will take, said before anything is asked.

The training mix is composed as stage `fit` would compose it, and every request rendered as stage
`generate` would send it; only the sending is left out. So what the cache holds already is known
exactly, and tokens and dollars are a range whose bounds are those of `pipelines.llm.costs`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lake.errors import NotFoundError
from pipelines.common.errors import ParamsError
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import nearest
from pipelines.gate import taint
from pipelines.generators import registry as generators
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.text import exemplars, generator, plan
from pipelines.generators.text.exemplars import Pool
from pipelines.llm import cache, costs, prompt_escaping
from pipelines.llm.ask import CACHE
from pipelines.llm.costs import Estimate
from pipelines.llm.settings import Service
from pipelines.params import Params, RoundEntry
from pipelines.rounds import manifest, mixes, receipts
from pipelines.rounds.context import RoundContext
from pipelines.scorers import judge, registry, rubric

TEXT: Final = "text"
JUDGE: Final = "judge"


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
    kind = entries[-1][1] if entries else _kind(params, name)
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
    if round_.generator != TEXT:
        raise ParamsError(
            f"{round_.key} is made by the generator {round_.generator}, which asks no service: it "
            f"costs nothing but time"
        )
    generators.files(TEXT, round_.settings.generate.text)  # what it names is there and is text
    asked, pool = _asked(ctx)
    requests = [each.request for each in plan.questions(asked, pool)]
    service = plan.settings_of(asked).service
    known = cache.answered(CACHE, [each.digest for each in requests])
    found = costs.estimate(requests, service, known)
    parts = [Part("generate", service, found, _seconds(ctx, found.requests - found.cached))]
    if JUDGE in round_.settings.verify.scorers:
        parts.append(_judged(ctx, pool))
    return parts


def _kind(params: Params, dataset: str) -> str:
    return TEXT if params.datasets[dataset].ingest.modality == TEXT else "diffusion"


def _asked(ctx: RoundContext) -> tuple[GenerateRequest[Any], Pool]:
    """What the round will ask of its generator, and the pool that its fit will keep."""
    round_, previous = ctx.round, ctx.previous()
    kept = mixes.build(ctx.lake, previous.commit, round_, tainted=taint.at(ctx, previous.commit))
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "fit")
    with tempfile.TemporaryDirectory(prefix="stemma-estimate-") as place:
        generator.fit(kept.samples, round_.settings.fit.text, seed, Path(place))
        pool = exemplars.read(Path(place))
    asked = GenerateRequest(
        dataset=round_.dataset,
        round=round_.number,
        seed=round_.seed,
        identity=round_.identity,
        candidates=round_.settings.generate.candidates,
        shard_rows=round_.settings.generate.shard_rows,
        settings=round_.settings.generate.text,
        directory=Path(),
    )
    return asked, pool


def _judged(ctx: RoundContext, pool: Pool) -> Part:
    """The votes on all candidates, with real texts of the pool in their place."""
    settings = registry.settings(JUDGE, ctx.round.settings.verify.scorers[JUDGE])
    assert isinstance(settings, judge.JudgeSettings)  # noqa: S101  for the type checker
    count = ctx.round.settings.generate.candidates
    shown = ctx.round.settings.modality.shown(pool.rows.head(count))
    columns = [settings.text, *([settings.label] if settings.label else [])]
    rules = rubric.load(settings.rubric)
    samples = [prompt_escaping.as_data(row) for row in shown.select(columns).to_dicts()]
    requests = [
        judge.ballot(rules, sample, vote, settings)
        for sample in samples
        for vote in range(settings.votes)
    ]
    found = costs.estimate(requests, settings.service)
    scaled = _scaled(found, count * settings.votes)
    return Part("verify", settings.service, scaled, None)


def _scaled(found: Estimate, requests: int) -> Estimate:
    """The same for another number of requests; dollars in proportion."""
    share = requests / found.requests
    tokens = ("tokens_in_low", "tokens_in_high", "tokens_out_low", "tokens_out_high")
    changed: dict[str, Any] = {name: round(getattr(found, name) * share) for name in tokens}
    for name in ("dollars_low", "dollars_high"):
        amount = getattr(found, name)
        changed[name] = None if amount is None else amount * share
    return replace(found, requests=requests, **changed)


def _seconds(ctx: RoundContext, requests: int) -> float | None:
    """What so many requests take, if the round before asked the same service and was timed."""
    round_ = ctx.round
    try:
        about = manifest.read(ctx.lake, ctx.previous().commit, round_.dataset, round_.previous)
    except NotFoundError:
        return None
    before: Mapping[str, Any] = about.get("cost", {}).get("generate", {})
    sent = int(before.get("requests", 0)) - int(before.get("cached", 0))
    model = about.get("environment", {}).get("model")
    own = round_.settings.generate.text
    if sent <= 0 or model != (own.service if own else Service()).model:
        return None
    return float(before["seconds"]) / sent * requests
