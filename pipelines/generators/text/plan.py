"""The plan of a round: what every candidate is made of, before any request is sent.

Labels come first, then a combination of attributes, then exemplars of the label, then the text of
the prompt. All of it follows from pool, settings and seed, so a killed run asks the same again and
finds its answers, and `stemma estimate` counts exactly what would be sent first. Requests of later
steps follow from the answers of earlier ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import GeneratorError
from pipelines.common.seeds import derive_seed
from pipelines.common.shards import Shard
from pipelines.generators import asked_labels
from pipelines.generators.protocol import STAGE, GenerateRequest
from pipelines.generators.text import (
    attribute_files,
    classes,
    column_types,
    exemplars,
    gallery,
    grid,
    recipe,
    shares,
)
from pipelines.generators.text.exemplars import LABEL, Pool
from pipelines.generators.text.gallery import Gallery
from pipelines.generators.text.grid import Cell
from pipelines.generators.text.recipe import RecipeStep
from pipelines.generators.text.settings import TextGenerate
from pipelines.generators.text.templates import Prompt
from pipelines.llm import content_parts, values
from pipelines.llm.settings import Service
from pipelines.llm.values import Request

TextRequest: TypeAlias = GenerateRequest[TextGenerate]
SEED_BITS: Final = 31
"""What every service takes as a seed; derived seeds have 63."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a candidate will be made of."""

    row: int
    shard: Shard
    label: str | None
    cell: Cell
    shown: tuple[int, ...]
    """Numbers of its exemplars in the pool; of a given row, that one."""
    service: Service
    """What is asked where a step names no service of its own."""
    picture: int | None = None
    """Number of the picture that is shown."""
    variant: int = 0
    """Of several candidates for one row, of which the best stays."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request for some columns of a candidate, and what it was made of."""

    planned: Planned
    step: RecipeStep
    service: Service
    prompt_digest: bytes
    """SHA-256 of the rendered prompt."""
    request: Request

    @property
    def label(self) -> str | None:
        """The label that is asked for."""
        return self.planned.label

    @property
    def cell(self) -> Cell:
        """The attributes that are asked for."""
        return self.planned.cell

    @property
    def shown(self) -> tuple[int, ...]:
        """Numbers of the exemplars in the pool."""
        return self.planned.shown

    @property
    def shard(self) -> Shard:
        """The candidate's shard."""
        return self.planned.shard


@dataclass(frozen=True)
class RoundPlan:
    """The candidates of a round and the steps by which each is made."""

    request: TextRequest
    pool: Pool
    candidates: Sequence[Planned]
    """In order of rows."""
    steps: tuple[RecipeStep, ...]
    gallery: Gallery | None = None
    """Pictures that are shown."""

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Content of the rows of the pool."""
        return self.pool.rows.select(self.request.identity).to_dicts()

    @cached_property
    def _carried(self) -> list[dict[str, Any]]:
        """Columns of the rows of the pool that candidates carry."""
        return self.pool.rows.select(self.request.settings.carry).to_dicts()

    def given(self, planned: Planned) -> dict[str, Any]:
        """Content that a candidate has from its given row; empty without one."""
        carried = self._of_given(planned)
        return {name: carried[name] for name in recipe.carried(self.request)}

    def question(self, planned: Planned, step: RecipeStep, known: Mapping[str, Any]) -> Question:
        """Render the request of a step.

        Args:
            planned: the candidate.
            step: one of the steps.
            known: its columns so far.

        Raises:
            GeneratorError: the prompt cannot be rendered.
        """
        settings, service = self.request.settings, step.service or planned.service
        rows = [self.rows[number] for number in planned.shown]
        context = {
            "label": planned.label,
            "attributes": dict(planned.cell),
            "columns": list(step.columns),
            "exemplars": [] if recipe.carried(self.request) else rows,
            "known": dict(known),
            "row": rows[0] if settings.exemplars == "each" else {},
            "carried": self._of_given(planned),
        }
        prompt = step.template.render(service.resolved_endpoint, context)
        if planned.picture is not None and self.gallery and not isinstance(prompt, str):
            prompt = content_parts.with_picture(prompt, self.gallery.files[planned.picture])
        parts: tuple[str | int, ...] = (planned.row, step.number)[: 2 if step.number else 1]
        if planned.variant:
            parts += ("variant", planned.variant)
        seed = derive_seed(planned.shard.seed, "request", *parts) >> (63 - SEED_BITS)
        sent = values.request(service, prompt, schema=step.schema, seed=seed)
        return Question(planned, step, service, _digest(prompt), sent)

    def before(self, step: RecipeStep) -> list[str]:
        """Columns that earlier steps have written."""
        return [name for each in self.steps[: step.number] for name in each.columns]

    def first(self) -> list[Question]:
        """Render the requests of the first step, one for each candidate."""
        return [self.question(each, self.steps[0], self.given(each)) for each in self.candidates]

    def _of_given(self, planned: Planned) -> dict[str, Any]:
        return self._carried[planned.shown[0]] if self.request.settings.carry else {}


def make(request: TextRequest, pool: Pool) -> RoundPlan:
    """Plan a round.

    Raises:
        GeneratorError: the settings do not fit the data set, or the pool lacks one of its columns.
    """
    recipe.check(request)
    _check_columns(request, pool)
    recipe.check_attributes(request, pool.rows.schema)
    given = _given(request, pool) if request.settings.exemplars == "each" else None
    shown_pictures = gallery.of(request, pool)
    if shown_pictures is not None:
        labels = shown_pictures.labels(request.candidates)
    else:
        labels = _labels(request, pool) if given is None else _labels_of(pool, given)
    cells = _cells(request, labels)
    services = shares.services(request)
    shown = _given_each(request, given) if given is not None else _drawn(request, pool, labels)
    schemas = column_types.read(request.settings.types, pool.rows.schema)
    candidates = [
        Planned(
            row,
            shard,
            labels[row],
            cells[row],
            next(shown),
            services[row],
            None if shown_pictures is None else row % len(shown_pictures.files),
        )
        for shard in request.shards()
        for row in shard.rows
    ]
    return RoundPlan(request, pool, candidates, recipe.steps(request, schemas), shown_pictures)


def questions(request: TextRequest, pool: Pool) -> list[Question]:
    """Render the first request for each candidate of a round, in order.

    Raises:
        GeneratorError: as `make`, or the prompt cannot be rendered.
    """
    return make(request, pool).first()


def _check_columns(request: TextRequest, pool: Pool) -> None:
    missing = [name for name in request.identity if name not in pool.rows.columns]
    if missing:
        raise GeneratorError(
            f"the exemplars have no column {missing[0]!r} of texts; where the data set has other "
            f"things than texts there, add it to fit.text.keep and describe it by "
            f"generate.text.types, or make these candidates elsewhere and read them with the "
            f"generator file"
        )
    other = next((name for name in request.settings.carry if name not in pool.rows.columns), None)
    if other is not None:
        raise GeneratorError(f"carry: the exemplars lack the column {other!r}; fit.text.keep it")


def _given(request: TextRequest, pool: Pool) -> list[int]:
    """Number the given row of each candidate: all rows in order of ids, again and again."""
    order = pool.rows["sample_id"].arg_sort().to_list()
    return [order[row % len(order)] for row in range(request.candidates)]


def _given_each(request: TextRequest, given: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return ((given[row],) for row in range(request.candidates))


def _labels_of(pool: Pool, given: Sequence[int]) -> list[str | None]:
    """The labels of given rows."""
    if LABEL not in pool.rows.columns:
        return [None] * len(given)
    labels = [str(each) for each in pool.rows[LABEL].to_list()]
    return [labels[number] for number in given]


def _labels(request: TextRequest, pool: Pool) -> list[str | None]:
    """Assign a label to each candidate, in an order drawn by seed."""
    settings = request.settings
    labels = list(settings.classes) or settings.labels or pool.labels
    if pool.labels is None or not labels:
        _refuse_classes(settings)
        return [None] * request.candidates
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "labels")
    had = [pool.weight_of(label) for label in labels] if settings.balance else None
    numbers = classes.numbers(labels, request.candidates, settings.classes, had)
    asked_labels.say(left_out(request, pool), len(labels))
    return [labels[number] for number in np.random.default_rng(seed).permutation(numbers)]


def left_out(request: TextRequest, pool: Pool) -> list[str]:
    """Labels of which no candidate is asked for, although each is to be asked for equally often."""
    settings = request.settings
    given = settings.exemplars == "each" or settings.pictures is not None
    if given or settings.classes or settings.balance or pool.labels is None:
        return []
    return asked_labels.not_asked(settings.labels or pool.labels, request.candidates)


def _refuse_classes(settings: TextGenerate) -> None:
    given = {"classes": settings.classes, "labels": settings.labels, "balance": settings.balance}
    for wrong in (name for name, value in given.items() if value):
        raise GeneratorError(f"{wrong} is about labels, and the data set has none; leave it out")


def _cells(request: TextRequest, labels: Sequence[str | None]) -> list[Cell]:
    """Assign attributes to each candidate: a combination of the grid, and words from files."""
    combinations = grid.cells(request.settings.attributes)
    parts = (request.dataset, request.round, STAGE)
    seed = derive_seed(request.seed, *parts, "attributes")
    _, groups = np.unique([label or "" for label in labels], return_inverse=True)
    even = grid.even(groups.astype(np.int64), len(combinations), seed)
    read = attribute_files.read(request.settings.attribute_files)
    drawn = attribute_files.draw(read, len(labels), *parts, root=request.seed)
    return [{**combinations[number], **own} for number, own in zip(even, drawn, strict=True)]


def _drawn(
    request: TextRequest, pool: Pool, labels: Sequence[str | None]
) -> Iterator[tuple[int, ...]]:
    """Exemplars of each candidate, as numbers in the pool."""
    for shard in request.shards():
        yield from _shown(request, pool, shard, labels)


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


def _digest(prompt: Prompt) -> bytes:
    """Digest a prompt's text by SHA-256, or its messages as JSON, with pictures by their digests.

    Lineage holds this digest, so its bytes stay: names in their order, a space after separators.
    """
    plain = prompt if isinstance(prompt, str) else content_parts.named(prompt)
    whole = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return hashlib.sha256(whole.encode()).digest()
