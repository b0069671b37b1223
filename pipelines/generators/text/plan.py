"""The plan of a round: every request, before any is sent.

Labels come first, then a combination of attributes, then exemplars of the label, then the text of
the prompt. All of it follows from pool, settings and seed, so a killed run asks the same again and
finds its answers, and `stemma estimate` counts exactly what would be sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import GeneratorError
from pipelines.common.seeds import derive_seed
from pipelines.common.shards import Shard
from pipelines.generators.protocol import STAGE, GenerateRequest
from pipelines.generators.text import exemplars, grid, templates
from pipelines.generators.text.exemplars import Pool
from pipelines.generators.text.grid import Cell
from pipelines.generators.text.settings import TextGenerate
from pipelines.generators.text.templates import Prompt, Template
from pipelines.llm import values
from pipelines.llm.values import Request

TextRequest: TypeAlias = GenerateRequest[TextGenerate]
SEED_BITS: Final = 31
"""What every service takes as a seed; derived seeds have 63."""


@dataclass(frozen=True, slots=True)
class Question:
    """The request for one candidate, and what it was made of."""

    label: str | None
    cell: Cell
    shown: tuple[int, ...]
    """Numbers of its exemplars in the pool."""
    shard: Shard
    prompt_digest: bytes
    """SHA-256 of the rendered prompt."""
    request: Request


def template_of(request: TextRequest) -> Template:
    """Load the prompt template of a round.

    Raises:
        GeneratorError: there is no such file.
    """
    return templates.load(request.settings.prompt, request.identity)


def schema(columns: Sequence[str], max_chars: int | None) -> dict[str, Any]:
    """JSON schema of an answer: an object with a text for each column, and nothing else."""
    text = {"type": "string"} | ({} if max_chars is None else {"maxLength": max_chars})
    return {
        "type": "object",
        "properties": dict.fromkeys(columns, text),
        "required": list(columns),
        "additionalProperties": False,
    }


def questions(request: TextRequest, pool: Pool) -> list[Question]:
    """Render the requests of a round, one for each candidate, in order.

    Raises:
        GeneratorError: the pool has not the data set's columns, or the prompt cannot be rendered.
    """
    missing = [name for name in request.identity if name not in pool.rows.columns]
    if missing:
        raise GeneratorError(
            f"the exemplars have no column {missing[0]!r} of texts; run stage fit again, or, where "
            "the data set has other things than texts there, make these candidates elsewhere and "
            "read them with the generator file"
        )
    labels = _labels(request, pool)
    cells = _cells(request, labels)
    template, texts = template_of(request), pool.rows.select(request.identity).to_dicts()
    return [
        _question(
            request,
            template,
            row,
            shard=shard,
            label=labels[row],
            cell=cells[row],
            shown=shown,
            texts=texts,
        )
        for shard in request.shards()
        for row, shown in zip(shard.rows, _shown(request, pool, shard, labels), strict=True)
    ]


def _labels(request: TextRequest, pool: Pool) -> list[str | None]:
    """Assign a label to each candidate: all equally often, in an order drawn by seed."""
    labels = request.settings.labels or pool.labels
    if pool.labels is None or not labels:
        return [None] * request.candidates
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "labels")
    numbers = np.resize(np.arange(len(labels)), request.candidates)
    return [labels[number] for number in np.random.default_rng(seed).permutation(numbers)]


def _cells(request: TextRequest, labels: Sequence[str | None]) -> list[Cell]:
    """Assign a combination of attributes to each candidate."""
    combinations = grid.cells(request.settings.attributes)
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "attributes")
    _, groups = np.unique([label or "" for label in labels], return_inverse=True)
    return [
        combinations[number]
        for number in grid.even(groups.astype(np.int64), len(combinations), seed)
    ]


def _shown(
    request: TextRequest, pool: Pool, shard: Shard, labels: Sequence[str | None]
) -> Iterator[tuple[int, ...]]:
    """Exemplars of each candidate of a shard, as numbers in the pool."""
    own = labels[shard.start : shard.stop]
    drawn: dict[str | None, Iterator[NDArray[np.int64]]] = {}
    for label in dict.fromkeys(own):
        candidates_of = pool.of(label)
        picked = exemplars.draw(
            pool.rows["weight"].to_numpy()[candidates_of],
            own.count(label),
            request.settings.shots,
            derive_seed(shard.seed, "exemplars", label or ""),
        )
        drawn[label] = iter(candidates_of[picked])
    return (tuple(int(each) for each in next(drawn[label])) for label in own)


def _question(
    request: TextRequest,
    template: Template,
    row: int,
    *,
    shard: Shard,
    label: str | None,
    cell: Cell,
    shown: tuple[int, ...],
    texts: Sequence[Mapping[str, str]],
) -> Question:
    settings = request.settings
    context = {
        "label": label,
        "attributes": dict(cell),
        "columns": list(request.identity),
        "exemplars": [texts[number] for number in shown],
    }
    prompt = template.render(settings.service.resolved_endpoint, context)
    seed = derive_seed(shard.seed, "request", row) >> (63 - SEED_BITS)
    answer_schema = schema(request.identity, settings.max_chars)
    sent = values.request(settings.service, prompt, schema=answer_schema, seed=seed)
    return Question(label, cell, shown, shard, _digest(prompt), sent)


def _digest(prompt: Prompt) -> bytes:
    """Digest a prompt's text by SHA-256, or its messages as JSON.

    Lineage holds this digest, so its bytes stay: names in their order, a space after separators.
    """
    whole = prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)
    return hashlib.sha256(whole.encode()).digest()
