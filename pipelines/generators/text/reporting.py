"""What is recorded of a round of texts: who answered, what it cost, what failed."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any, Final

from pipelines.common import digests
from pipelines.generators import asked_labels
from pipelines.generators.protocol import GenerateReport
from pipelines.generators.text import attribution, recipe, transcript
from pipelines.generators.text.answers import reasons
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.plan import RoundPlan, TextRequest, left_out
from pipelines.generators.text.recipe import RecipeStep
from pipelines.generators.text.settings import VERSION
from pipelines.llm import costs, prices
from pipelines.llm.settings import LOCAL, Service
from pipelines.llm.values import WEIGHTS, Failure, Reply

LIBRARIES: Final = ("jinja2", "numpy", "openai", "polars")
REASONS: Final = 10
"""Reasons of failures that the round's manifest names, the most frequent first."""


def report(
    plan: RoundPlan,
    makings: Sequence[Making],
    unfit: Mapping[int, str] | None = None,
    besides: Sequence[Making] = (),
) -> GenerateReport:
    """Report how a round was made, for its manifest.

    Args:
        plan: the round.
        makings: all candidates that were asked for.
        unfit: rows of candidates whose answers could not be stored, with the reason.
        besides: candidates that were made besides, and are worse.
    """
    answers = [answer for each in (*makings, *besides) for answer in each.answers]
    replies = [each for each in answers if isinstance(each, Reply)]
    attempts = sum(each.attempts for each in answers)
    return GenerateReport(
        environment=environment(plan, replies),
        cost={
            **asdict(costs.total(answers)),
            "attempts": attempts,
            **_price_sources(plan),
        },
        facts=_facts(plan, makings, answers, unfit or {}),
        maker=maker(plan.request),
        exchanges=transcript.table(makings, besides),
        unmade=_unmade(makings, unfit or {}),
    )


def _unmade(makings: Sequence[Making], unfit: Mapping[int, str]) -> Counter[str]:
    """Count the rows without a candidate by the first reason of each."""
    failures = (
        next((each.reason for each in making.answers if isinstance(each, Failure)), None)
        for making in makings
    )
    return Counter(each for each in (*failures, *unfit.values()) if each is not None)


def _price_sources(plan: RoundPlan) -> dict[str, dict[str, str]]:
    """Where the prices of models are from that are estimates, by model."""
    services = recipe.services(plan.request.settings)
    found = {each.model: prices.estimated(each, each.model) for each in services}
    named = {model: guess.source for model, guess in found.items() if guess is not None}
    return {"price_sources": named} if named else {}


def maker(request: TextRequest) -> str:
    """Digest the model that is asked: the same pool of exemplars with another one is another maker.

    The service's address is not part of it, as it is no part of the cache's keys.
    """
    models = [
        {"model": each.model, "weights": WEIGHTS if each.model == LOCAL else None}
        for each in recipe.services(request.settings)
    ]
    return digests.of_json(models[0] if len(models) == 1 else {"models": models})


def environment(plan: RoundPlan, replies: Iterable[Reply]) -> dict[str, Any]:
    """Collect what another run must share to give the same; without addresses and keys."""
    services = recipe.services(plan.request.settings)
    several: dict[str, Any] = {}
    if len(services) > 1:
        several["model"] = ", ".join(dict.fromkeys(each.model for each in services))
        several["services"] = [_service(each) for each in services]
    steps = {"steps": [_step(each) for each in plan.steps]} if len(plan.steps) > 1 else {}
    return {
        "generator": VERSION,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "prompt": plan.steps[0].template.digest,
        **_service(services[0]),
        "served": sorted({reply.model for reply in replies}),
        **several,
        **steps,
    }


def _service(service: Service) -> dict[str, Any]:
    return {
        "endpoint": service.resolved_endpoint,
        "model": service.model,
        **({"weights": WEIGHTS} if service.model == LOCAL else {}),
        **({} if service.resolved_licence is None else {"licence": service.resolved_licence}),
    }


def _step(step: RecipeStep) -> dict[str, Any]:
    return {
        "columns": list(step.columns),
        "prompt": {"name": step.template.name, "digest": step.template.digest},
        "model": None if step.service is None else step.service.model,
    }


def _facts(
    plan: RoundPlan,
    makings: Sequence[Making],
    answers: Sequence[Reply | Failure],
    unfit: Mapping[int, str],
) -> Mapping[str, Any]:
    template = plan.steps[0].template
    failed = [each.planned.row for each in makings if each.failed]
    return {
        "prompt": {"name": template.name, "digest": template.digest},
        "attribution": attribution.RULE,
        "asked": len(answers),
        "failed": len(failed),
        "failed_questions": failed,
        "reasons": dict(reasons(answers)[:REASONS]),
        "finish": dict(Counter(each.finish_reason for each in answers if isinstance(each, Reply))),
        "shots": dict(Counter(str(len(each.planned.shown)) for each in makings)),
        **_of_rows(plan, makings),
        **asked_labels.facts(left_out(plan.request, plan.pool)),
        **({"unfit": len(unfit), "unfit_reasons": _counted(unfit.values())} if unfit else {}),
    }


def _of_rows(plan: RoundPlan, makings: Sequence[Making]) -> dict[str, Any]:
    """What is recorded of given rows, services and columns that are not stored."""
    request, facts = plan.request, dict[str, Any]()
    settings = request.settings
    if settings.exemplars == "each":
        times = Counter(each.planned.shown[0] for each in makings)
        most = max(times.values(), default=0)
        facts["given"] = {"rows": len(times), "of": len(plan.pool.rows), "most": most}
    if settings.best_of is not None:
        facts["best_of"] = settings.best_of.model_dump(mode="json")
    if plan.gallery is not None:
        shown = Counter(each.planned.picture for each in makings)
        facts["pictures"] = {
            "dataset": plan.gallery.dataset,
            "commit": plan.gallery.commit,
            "rows": len(shown),
            "of": len(plan.gallery.files),
        }
    if settings.services:
        facts["services"] = dict(Counter(each.planned.service.model for each in makings))
    written = [name for step in settings.steps for name in step.columns]
    if dropped := [each for each in written if each not in (*request.identity, *request.kept)]:
        facts["not_stored"] = dropped
    return facts


def _counted(reasons_: Iterable[str]) -> dict[str, int]:
    return dict(Counter(reasons_).most_common(REASONS))
