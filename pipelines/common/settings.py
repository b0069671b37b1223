"""From a mapping to frozen settings, with errors as sentences that name the nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.common.errors import ParamsError

OWN: Final = "Value error, "
"""What pydantic puts before the sentence of a check of ours."""

OPERATIONAL: Final = "operational"
"""The mark, in a field's `json_schema_extra`, of a setting that cannot change what comes out."""

Model = TypeVar("Model", bound=BaseModel)


class StrictModel(BaseModel):
    """Base of every settings class: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def operational(default: Any = ..., /, **constraints: Any) -> Any:  # noqa: ANN401  as pydantic.Field
    """Declare a field that says how a stage works and cannot change what comes out of it.

    Concurrency, timeouts, prices and addresses are such: a finished stage is still current when
    one of them changes.

    Args:
        default: The field's value where none is given; without one, the field is required.
        constraints: Further arguments of `pydantic.Field`, such as `gt`.
    """
    return Field(default, json_schema_extra={OPERATIONAL: True}, **constraints)


def key_content(settings: BaseModel) -> dict[str, Any]:
    """What of some settings belongs into a stage's key, as plain values.

    A setting at its default is left out, so that a later release can add settings; one that is
    marked `operational` cannot change what comes out.
    """
    found = {}
    for name, about in type(settings).model_fields.items():
        marks = about.json_schema_extra
        if isinstance(marks, dict) and marks.get(OPERATIONAL):
            continue
        value = getattr(settings, name)
        if not about.is_required() and value == about.get_default(call_default_factory=True):
            continue
        plain = key_content(value) if isinstance(value, BaseModel) else _plain(value)
        if plain != {} or not isinstance(value, BaseModel):
            found[name] = plain
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401  plain values of any type
    """JSON of a setting's value."""
    if isinstance(value, BaseModel):
        return key_content(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def parse(model: type[Model], content: object, where: str) -> Model:
    """Validate a mapping, with errors as sentences.

    Raises:
        ParamsError: names each wrong key, and the nearest known one for an unknown key.
    """
    try:
        return strictly(model, content)
    except ValidationError as error:
        said = "; ".join(_sentence(model, dict(item)) for item in error.errors())
        raise ParamsError(f"{where}: {said}" if where else said) from error


def strictly(model: type[Model], content: object) -> Model:
    """Validate plain values by their types: no boolean and no text is a number, nor the reverse.

    Raises:
        ValidationError: they do not fit.
    """
    return model.model_validate(_frozen(content), strict=True)


def _frozen(content: Any) -> Any:  # noqa: ANN401  plain values of any type
    """The same with tuples for lists: settings are frozen, and a strict tuple is no list."""
    if isinstance(content, dict):
        return {name: _frozen(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return tuple(_frozen(value) for value in content)
    return content


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest known one, or all of them."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    if found:
        return f"; did you mean {found[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def _sentence(model: type[BaseModel], item: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        said = item["msg"].removeprefix(OWN)
        return f"{place}: {said}" if place else said
    return f"unknown key {place}{nearest(str(item['loc'][-1]), _known(model, item['loc'][:-1]))}"


def _known(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Field names of the model that a location leads to."""
    for part in loc:
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # a key of a mapping: stay with the mapping's value type
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        model = inner[-1] if inner else model
    return list(model.model_fields)
