"""The settings of params.yaml as a page: read from the classes that check them.

What a setting means stands in the docstring below it, which Python does not keep and pydantic reads
only where each class asks for it when it is made; so it is read from the source here.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.site.markdown import cell, table
from pipelines.common.settings import OPERATIONAL
from pipelines.generators.registry import GENERATORS
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.modalities.registry import MODALITIES
from pipelines.params import Dataset, Params, RoundEntry
from pipelines.params.sections import TakedownPolicy
from pipelines.rounds.guard_checks import CHECKS
from pipelines.rounds.stage_inputs import OF_A_ROUND
from pipelines.scorers.registry import SCORERS

CHECKS_TITLE: Final = "Optional checks of the guard"
BY_NAME: Final = ("Scorers", "Metrics", CHECKS_TITLE)
"""Kinds whose settings stand below the name of the plug-in."""
COLUMNS: Final = ("Setting", "Value, and the default", "What it is")
STAGES: Final = ("ingest", *OF_A_ROUND)
AGAIN: Final = {
    "ingest": "Round 0 is ingested anew, and every round that is not published yet is made from it",
    "fit": "The generator is fitted again, and all that follows",
    "generate": "Candidates are made again, and all that follows",
    "verify": "Candidates are scored and judged again, and all that follows",
    "curate": "Candidates are selected again, and all that follows",
    "evaluate": "The round is measured again, and judged",
    "publish": "The round is judged again",
}
"""What runs again where a setting of a stage's section changes and the round is not published; a
published one that differs runs again too, unless it differs in versions only."""


def page() -> str:
    """Write the page."""
    return "\n\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield "# Settings"
    yield (
        "Every setting of `params.yaml`, read from the classes that check the file: an unknown key "
        "is an error that names the nearest known one. A setting marked **operational** says how a "
        "stage works and cannot change what comes out: nothing runs again when it changes. "
        "`stemma dataset add` writes a section with the settings that suit the data."
    )
    yield "## The file"
    yield _settings(Params, "", leave=("datasets", "rounds"))
    yield "## A data set: `datasets.NAME`"
    yield _settings(Dataset, "", leave=STAGES)
    for stage in STAGES:
        yield f"### `{stage}`"
        yield f"{AGAIN[stage]}, when a setting changes that is not operational."
        (model,) = _models(Dataset.model_fields[stage])
        own = GENERATORS.names() if stage in {"fit", "generate"} else ()
        yield _settings(model, f"{stage}.", leave=tuple(own))
    yield "### `takedown`"
    yield _settings(TakedownPolicy, "takedown.")
    yield "## A round: `rounds.NAME`"
    yield "Its sections `fit` to `publish` override those of its data set."
    yield _settings(RoundEntry, "", leave=OF_A_ROUND)
    yield from _generators()
    yield from _named("Scorers", "verify.scorers", SCORERS)
    yield from _named("Downstream tasks", "evaluate.task_settings", TASKS)
    yield from _named("Metrics", "evaluate.metrics", METRICS)
    yield from _named(CHECKS_TITLE, "publish.checks", CHECKS)
    yield from _named("Modalities", "ingest.modality_settings", MODALITIES)


def _generators() -> Iterator[str]:
    yield "## Generators"
    yield "Each has a section of its name under `fit` and one under `generate`."
    for name in GENERATORS.names():
        plugin: Any = GENERATORS.find(name)
        yield f"### `{name}`"
        yield _about(plugin)
        for section, model in (("fit", plugin.FitSettings), ("generate", plugin.GenerateSettings)):
            if model.model_fields:
                yield _settings(model, f"{section}.{name}.")


def _named(title: str, place: str, registry: Any) -> Iterator[str]:  # noqa: ANN401  of any kind
    yield f"## {title}"
    for name in registry.names():
        plugin = registry.find(name)
        yield f"### `{name}`" if title != "Scorers" else f"### Scorer `{name}`"
        yield _about(plugin)
        model = getattr(plugin, "Settings", None)
        if model is not None and model.model_fields:
            of = f"{place}.{name}." if title in BY_NAME else f"{place}."
            yield _settings(model, of)


def _about(plugin: type) -> str:
    """The first paragraph of a plug-in's docstring, and its version."""
    text = inspect.cleandoc(plugin.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    version = getattr(plugin, "version", None)
    return f"{text} Version `{version}`." if version else text


def _settings(model: type[BaseModel], prefix: str, leave: tuple[str, ...] = ()) -> str:
    return table(COLUMNS, list(_rows(model, prefix, leave)))


def _rows(
    model: type[BaseModel], prefix: str, leave: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, str]]:
    """A row for each setting; those of a nested section follow it."""
    for name, field in model.model_fields.items():
        if name in leave:
            continue
        marks = field.json_schema_extra
        operational = isinstance(marks, Mapping) and bool(marks.get(OPERATIONAL))
        meaning = _meaning(model, name)
        nested = [found for found in _models(field) if found.model_fields]
        if not meaning and nested:
            meaning = inspect.cleandoc(nested[0].__doc__ or "").partition("\n\n")[0]
        said = f"{meaning} **Operational.**".strip() if operational else meaning
        if not said and name.endswith("_block"):
            said = "Beyond it the guard blocks; what the setting above measures."
        yield f"`{prefix}{name}`", f"{_type(field)}; {_default(field)}", cell(said)
        for found in nested:
            yield from _rows(found, f"{prefix}{name}.")


def _models(field: FieldInfo) -> list[type[BaseModel]]:
    """The settings classes that a field may hold by itself, and not in a list or by name."""
    kinds = [field.annotation]
    if get_origin(field.annotation) in {Union, UnionType}:
        kinds = list(get_args(field.annotation))
    return [kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, BaseModel)]


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(one, name)}"
        for one in field.metadata
        for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))
        if getattr(one, name, None) is not None
    ]
    return cell(", ".join([_kind(field.annotation), *bounds]))


PLAIN: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
    Any: "any",
}
"""Types in words that YAML has."""


def _kind(annotation: Any) -> str:  # noqa: ANN401  a type in any form
    """A type in words that YAML has."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is not None:
        return _composed(origin, arguments)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "section"
    return PLAIN.get(annotation, "text")


def _composed(origin: Any, arguments: tuple[Any, ...]) -> str:  # noqa: ANN401  a type in any form
    """A type that has others in it."""
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(dict.fromkeys(_kind(one) for one in arguments))
    is_mapping = inspect.isclass(origin) and issubclass(origin, Mapping)
    return f"mapping to {_kind(arguments[1])}" if is_mapping else f"list of {_kind(arguments[0])}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    found = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(found, BaseModel):
        return "each at its default"
    if found in ({}, (), []):
        return "empty"
    return f"`{cell(json.dumps(found, default=_plain, ensure_ascii=False))}`"


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _meaning(model: type[BaseModel], name: str) -> str:
    """The docstring of a setting, of the class in which it is defined."""
    for owner in model.__mro__:
        if name in vars(owner).get("__annotations__", {}):
            found = _docstrings(owner.__module__).get((owner.__qualname__, name), "")
            return inspect.cleandoc(found).replace("\n", " ")
    return ""


@cache
def _docstrings(module: str) -> dict[tuple[str, str], str]:
    """The strings that follow the fields of a module's classes."""
    found = {}
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, after in pairwise(node.body):
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[node.name, field.target.id] = str(after.value.value)
    return found
