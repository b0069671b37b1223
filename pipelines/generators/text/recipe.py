"""How a candidate is made: the requests, one after the other, each for some of its columns.

Without steps in the settings there is one request for all columns that are not carried from a given
row. What cannot be, is said here, before anything is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pipelines.common.errors import GeneratorError
from pipelines.common.settings import nearest
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.text import attribute_files, classes, column_types, templates
from pipelines.generators.text.attribute_files import Attribute
from pipelines.generators.text.column_types import Schemas
from pipelines.generators.text.settings import Step, TextGenerate
from pipelines.generators.text.templates import Template
from pipelines.llm.settings import Service

LABEL: Final = "label"
TEXTS: Final = (None, pl.String)
"""Types of a column that a word can be written to; None: no row of the pool has one."""


@dataclass(frozen=True, slots=True)
class RecipeStep:
    """A request for some columns of a candidate."""

    number: int
    columns: tuple[str, ...]
    template: Template
    service: Service | None
    """None: the candidate's own."""
    schema: Mapping[str, Any]
    """JSON schema of the answer."""


def steps(request: GenerateRequest[TextGenerate], schemas: Schemas) -> tuple[RecipeStep, ...]:
    """Return the requests for each candidate of a round, in order.

    Args:
        request: the round.
        schemas: of columns that are not texts.

    Raises:
        GeneratorError: there is no such prompt.
    """
    settings = request.settings
    return tuple(
        RecipeStep(
            number,
            step.columns,
            templates.load(_prompt(request, step), step.columns),
            step.service,
            column_types.answer(step.columns, schemas, settings.max_chars),
        )
        for number, step in enumerate(_steps(request))
    )


def services(settings: TextGenerate) -> list[Service]:
    """List the services that a round may ask, each once: those of candidates, then of steps."""
    own = [each.service for each in settings.services] or [settings.service]
    every = [*own, *(step.service for step in settings.steps if step.service is not None)]
    if settings.steps and all(step.service is not None for step in settings.steps):
        every = every[len(own) :]
    return [each for number, each in enumerate(every) if each not in every[:number]]


def prompts(settings: TextGenerate) -> list[str]:
    """List the names and paths of the templates that settings name."""
    named = (settings.prompt, *(step.prompt for step in settings.steps))
    return [each for each in named if each is not None]


def made_besides(request: GenerateRequest[TextGenerate]) -> tuple[str, ...]:
    """Kept columns that candidates have: those that steps write, and those that are carried."""
    written = [name for step in request.settings.steps for name in step.columns]
    wanted = (*request.settings.carry, *written)
    return tuple(name for name in wanted if name in request.kept and name not in request.identity)


def check(request: GenerateRequest[TextGenerate]) -> None:
    """Check all that can be known of a round without its rows.

    Raises:
        GeneratorError: names the setting, and what to do.
    """
    for problem in _column_problems(request):
        raise GeneratorError(problem)
    classes.check(request.settings.classes, request.candidates)
    _check_pictures(request.settings)
    taken = [each.name for each in _drawn(request.settings)]
    twice = next((name for name in taken if name in request.settings.attributes), None)
    if twice is not None:
        raise GeneratorError(f"the attribute {twice!r} is in attributes and in a file; rename one")
    schemas = column_types.read(request.settings.types)
    columns = {*request.identity, *(name for step in _steps(request) for name in step.columns)}
    unknown = next((name for name in schemas if name not in columns), None)
    if unknown is not None:
        raise GeneratorError(
            f"types: there is no column {unknown!r} to write{nearest(unknown, columns)}"
        )
    for step in steps(request, schemas):
        for service in [step.service] if step.service else services(request.settings):
            step.template.check(service.resolved_endpoint)


def check_attributes(request: GenerateRequest[TextGenerate], pool: pl.Schema) -> None:
    """Check that an attribute that is written to a kept column is of its type, which is text.

    Raises:
        GeneratorError: the column holds something else.
    """
    settings = request.settings
    names = [*settings.attributes, *(each.name for each in _drawn(settings))]
    for name in names:
        if name in request.kept and name not in settings.carry and pool.get(name) not in TEXTS:
            raise GeneratorError(
                f"the attribute {name!r} has the name of a kept column, which holds {pool[name]} "
                "and no texts; rename one of them"
            )


def _drawn(settings: TextGenerate) -> list[Attribute]:
    return attribute_files.read(settings.attribute_files)


def _check_pictures(settings: TextGenerate) -> None:
    """Refuse pictures for a model that goes on with a text."""
    if settings.pictures is None:
        return
    for service in services(settings):
        if service.resolved_endpoint != "chat":
            raise GeneratorError(
                f"pictures are shown in chats, and {service.model} goes on with texts; name "
                "another model, or set endpoint: chat of the service"
            )


def _steps(request: GenerateRequest[TextGenerate]) -> tuple[Step, ...]:
    settings = request.settings
    if settings.steps:
        return settings.steps
    asked = tuple(name for name in request.identity if name not in settings.carry)
    return (Step(columns=asked, prompt=settings.prompt),) if asked else ()


def _prompt(request: GenerateRequest[TextGenerate], step: Step) -> str | None:
    """The template of a step; None: what suits its columns."""
    settings, first = request.settings, step == _steps(request)[0]
    if step.prompt is not None:
        return step.prompt
    if first and settings.pictures is not None:
        return "caption"
    if first and settings.relation == "edited":
        return "rewrite"
    return None if first and not carried(request) else "given"


def carried(request: GenerateRequest[TextGenerate]) -> tuple[str, ...]:
    """Columns of the content that candidates have from their given rows."""
    return tuple(name for name in request.settings.carry if name in request.identity)


def _column_problems(request: GenerateRequest[TextGenerate]) -> Iterator[str]:
    """What is wrong with the columns that are carried and written."""
    carry = request.settings.carry
    written = [name for step in _steps(request) for name in step.columns]
    if not written:
        yield "carry names all columns of the content, so nothing is asked for; leave one out"
    yield from _carry_problems(request)
    for number, name in enumerate(written):
        if name in carry:
            yield f"steps write {name!r}, which is carried from the given row; leave one out"
        elif name in written[:number]:
            yield f"steps write {name!r} twice; each column is written by one step"
        elif name == LABEL:
            yield "steps write 'label', which is asked for and not answered; leave it out"
    absent = [name for name in request.identity if name not in (*written, *carry)]
    if absent:
        yield f"no step writes {absent[0]!r}, a column of the data set's content; add it to one"


def _carry_problems(request: GenerateRequest[TextGenerate]) -> Iterator[str]:
    stored = {*request.identity, *request.kept}
    for name in request.settings.carry:
        if name not in stored:
            yield (
                f"carry: the data set has no column {name!r}{nearest(name, stored)}; a column that "
                "is no content is kept by ingest.keep"
            )
