"""The requests of a round of hosted images with what is known of their answers.

The bytes of a picture are those of the candidate, brought to the form of the data, and are not kept
twice: the table has the digest, format and size of the file that came, and what the service said
about it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from pipelines.generators import exchanges
from pipelines.generators.hosted_images.pictures import Pictures
from pipelines.llm import cache
from pipelines.llm.ask import CACHE
from pipelines.llm.image_requests import ENDPOINT
from pipelines.llm.stored_values import BrokenAnswer
from pipelines.llm.values import Failure


def table(pictures: Pictures) -> pl.DataFrame:
    """Return what was asked and answered, as `exchanges.SCHEMA`, without the rows of candidates."""
    digests = [pictures.requests[row].digest for row in pictures.answered]
    broken = cache.broken_answers(CACHE, digests)
    rows = [
        _row(pictures, row, broken.get(pictures.requests[row].digest, ()))
        for row in sorted(pictures.answered)
    ]
    return pl.DataFrame(rows, exchanges.SCHEMA)


def _row(pictures: Pictures, row: int, broken: Sequence[BrokenAnswer]) -> dict[str, Any]:
    request, answer = pictures.requests[row], pictures.answered[row]
    counts = ("attempts", "tokens_in", "tokens_out", "dollars")
    return {
        "planned": row,
        "step": 0,
        "model": request.model,
        "endpoint": ENDPOINT,
        "template": pictures.template,
        "prompt": request.prompt,
        "broken": [each._asdict() for each in broken],
        "chosen": True,
        **{name: getattr(answer, name) for name in counts},
        **_outcome(pictures, row),
    }


def _outcome(pictures: Pictures, row: int) -> dict[str, Any]:
    answer = pictures.answered[row]
    if isinstance(answer, Failure):
        return {"failure": answer.reason}
    said = answer.parsed if isinstance(answer.parsed, dict) else {}
    about = {**pictures.described.get(row, {}), "drawing": pictures.requests[row].drawing, **said}
    return {
        "served": answer.model,
        "answer": json.dumps(about, ensure_ascii=False),
        "finish_reason": answer.finish_reason,
    }
