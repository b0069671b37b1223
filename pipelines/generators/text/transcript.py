"""The requests of a round with their answers, as the table that is kept of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from pipelines.generators import exchanges
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.plan import Question
from pipelines.llm import cache, content_parts
from pipelines.llm.ask import CACHE
from pipelines.llm.settings import LOCAL
from pipelines.llm.stored_values import BrokenAnswer
from pipelines.llm.values import WEIGHTS, Failure, Reply, Request


def table(makings: Sequence[Making], besides: Sequence[Making] = ()) -> pl.DataFrame:
    """Return what was asked and answered, as `exchanges.SCHEMA`, without the rows of candidates.

    Args:
        makings: the candidates.
        besides: candidates that were made besides, and are worse.
    """
    every = [*makings, *besides]
    digests = [answer.digest for making in every for answer in making.answers]
    broken = cache.broken_answers(CACHE, digests)
    rows = [row | {"chosen": True} for making in makings for row in _rows(making, broken)]
    rows += [row | {"chosen": False} for making in besides for row in _rows(making, broken)]
    return pl.DataFrame(rows, exchanges.SCHEMA)


def _rows(making: Making, broken: Mapping[str, Sequence[BrokenAnswer]]) -> Iterator[dict[str, Any]]:
    for question, answer in zip(making.questions, making.answers, strict=True):
        yield {
            "planned": making.planned.row,
            **_asked(question),
            **_answered(answer),
            "broken": [each._asdict() for each in broken.get(answer.digest, ())],
        }


def _asked(question: Question) -> dict[str, Any]:
    request = question.request
    return {
        "step": question.step.number,
        "model": request.model,
        "endpoint": request.endpoint,
        "weights": WEIGHTS if request.model == LOCAL else None,
        "template": question.step.template.digest,
        "seed": request.seed,
        "prompt": recorded_prompt(request),
        "attributes": json.dumps(dict(question.cell), ensure_ascii=False)
        if question.cell
        else None,
    }


def _answered(answer: Reply | Failure) -> dict[str, Any]:
    own: dict[str, Any] = {"failure": answer.reason} if isinstance(answer, Failure) else {}
    if isinstance(answer, Reply):
        own = {"served": answer.model, "answer": answer.text, "seed": answer.seed}
        own["finish_reason"] = answer.finish_reason
    counts = ("attempts", "tokens_in", "tokens_out", "dollars")
    return {**own, **{name: getattr(answer, name) for name in counts}}


def recorded_prompt(request: Request) -> str:
    """The prompt of a request as the table keeps it: text, or messages as JSON."""
    if request.prompt is not None:
        return request.prompt
    return json.dumps(content_parts.named(request.messages or ()), ensure_ascii=False)
