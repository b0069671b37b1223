"""What is recorded of a round of texts: who answered, what it cost, what failed."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any, Final

from pipelines.common import digests
from pipelines.generators.protocol import GenerateReport
from pipelines.generators.text import attribution, plan
from pipelines.generators.text.plan import Question, TextRequest
from pipelines.generators.text.settings import VERSION
from pipelines.llm import costs
from pipelines.llm.settings import LOCAL
from pipelines.llm.values import WEIGHTS, Failure, Reply

LIBRARIES: Final = ("jinja2", "numpy", "openai", "polars")
REASONS: Final = 10
"""Reasons of failures that the round's manifest names, the most frequent first."""


def report(
    request: TextRequest, questions: Sequence[Question], answers: Sequence[Reply | Failure]
) -> GenerateReport:
    """Report how a round was made, for its manifest.

    Args:
        request: the round.
        questions: all of the round.
        answers: one for each question.
    """
    replies = [each for each in answers if isinstance(each, Reply)]
    attempts = sum(each.attempts for each in answers)
    return GenerateReport(
        environment=environment(request, replies),
        cost={**asdict(costs.total(answers)), "attempts": attempts},
        facts=_facts(request, questions, answers),
        maker=maker(request),
    )


def maker(request: TextRequest) -> str:
    """Digest the model that is asked: the same pool of exemplars with another one is another maker.

    The service's address is not part of it, as it is no part of the cache's keys.
    """
    model = request.settings.service.model
    return digests.of_json({"model": model, "weights": WEIGHTS if model == LOCAL else None})


def environment(request: TextRequest, replies: Sequence[Reply]) -> dict[str, Any]:
    """Collect what another run must share to give the same; without addresses and keys."""
    service = request.settings.service
    return {
        "generator": VERSION,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "prompt": plan.template_of(request).digest,
        "endpoint": service.resolved_endpoint,
        "model": service.model,
        "served": sorted({reply.model for reply in replies}),
        **({"weights": WEIGHTS} if service.model == LOCAL else {}),
        **({} if service.resolved_licence is None else {"licence": service.resolved_licence}),
    }


def reasons(answers: Sequence[Reply | Failure]) -> list[tuple[str, int]]:
    """Count the reasons of failed requests, the most frequent first."""
    return Counter(each.reason for each in answers if isinstance(each, Failure)).most_common()


def _facts(
    request: TextRequest, questions: Sequence[Question], answers: Sequence[Reply | Failure]
) -> Mapping[str, Any]:
    template = plan.template_of(request)
    failed = [number for number, each in enumerate(answers) if isinstance(each, Failure)]
    return {
        "prompt": {"name": template.name, "digest": template.digest},
        "attribution": attribution.RULE,
        "asked": len(questions),
        "failed": len(failed),
        "failed_questions": failed,
        "reasons": dict(reasons(answers)[:REASONS]),
        "finish": dict(Counter(each.finish_reason for each in answers if isinstance(each, Reply))),
        "shots": dict(Counter(str(len(each.shown)) for each in questions)),
    }
