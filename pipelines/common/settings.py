"""Validate mappings as frozen settings, with errors that name the nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeGuard, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.common.errors import ParamsError

OWN: Final = "Value error, "
"""Prefix that pydantic puts before the message of one of our validators."""

OPERATIONAL: Final = "operational"
"""The mark, in a field's `json_schema_extra`, of a setting that cannot change what comes out."""

FORMER: Final = "former default"
"""The mark of a setting that an earlier release had another default for, which it holds."""
PRESENT: Final = "present"
"""The mark of a section that says something by being there, even with all of its defaults."""

Model = TypeVar("Model", bound=BaseModel)


class StrictModel(BaseModel):
    """Base of every settings class: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def operational(default: Any = ..., /, **constraints: Any) -> Any:  # noqa: ANN401  as pydantic.Field
    """Declare a field that says how a stage works and cannot change what comes out of it.

    Concurrency, timeouts, prices and addresses are such: a finished stage is still current when
    one of them changes.

    Args:
        default: The field's value where none is given; without one, the field is required.
        constraints: Further arguments of `pydantic.Field`, such as `gt`.
    """
    return Field(default, json_schema_extra={OPERATIONAL: True}, **constraints)


def section() -> Any:  # noqa: ANN401  as pydantic.Field
    """Declare a section that is None where it is not given, and does something where it is empty.

    A key holds an empty one, which is another setting than none.
    """
    return Field(None, json_schema_extra={PRESENT: True})


def suits_data(former: Any, /, **constraints: Any) -> Any:  # noqa: ANN401  as pydantic.Field
    """Declare a field that suits the data where it is not given, and once had one default for all.

    The former default is left out of keys as the present one is: whoever spelled it out has rounds
    of that key. So on data that another value suits, to spell it out makes no finished round stale.

    Args:
        former: The default of earlier releases, as a plain value.
        constraints: Further arguments of `pydantic.Field`, such as `gt`.
    """
    return Field(None, json_schema_extra={FORMER: former}, **constraints)


def key_content(settings: BaseModel) -> dict[str, Any]:
    """Select what belongs to a stage's key, as plain values.

    A setting at its default is left out, so that a later release can add settings. A setting that
    is marked `operational` is left out because it cannot change what comes out.
    """
    content = {}
    for name, field in type(settings).model_fields.items():
        marks = field.json_schema_extra
        if isinstance(marks, dict) and marks.get(OPERATIONAL):
            continue
        value = getattr(settings, name)
        if not field.is_required() and value == field.get_default(call_default_factory=True):
            continue
        plain = key_content(value) if isinstance(value, BaseModel) else _plain(value)
        if isinstance(marks, dict) and FORMER in marks and marks[FORMER] == plain:
            continue
        present = isinstance(marks, dict) and PRESENT in marks
        if plain != {} or present or not isinstance(value, BaseModel):
            content[name] = plain
    return content


def _plain(value: Any) -> Any:  # noqa: ANN401  plain values of any type
    """Convert a setting's value to JSON."""
    if isinstance(value, BaseModel):
        return key_content(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def parse(model: type[Model], content: object, where: str) -> Model:
    """Validate a mapping, with errors as sentences.

    Raises:
        ParamsError: The message names each wrong key, and the nearest known one for an unknown key.
    """
    try:
        return strictly(model, content)
    except ValidationError as error:
        message = "; ".join(_sentence(model, dict(item)) for item in error.errors())
        raise ParamsError(f"{where}: {message}" if where else message) from error


def strictly(model: type[Model], content: object) -> Model:
    """Validate plain values without conversion: neither a boolean nor a text is a number.

    Raises:
        ValidationError: They do not fit the model.
    """
    return model.model_validate(_frozen(content), strict=True)


def _frozen(content: Any) -> Any:  # noqa: ANN401  plain values of any type
    """Replace lists by tuples, which frozen settings hold and strict validation asks for."""
    if isinstance(content, dict):
        return {name: _frozen(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return tuple(_frozen(value) for value in content)
    return content


def nearest(name: str, valid: Iterable[str]) -> str:
    """Write the end of a message about an unknown name: the nearest known name, or all of them."""
    names = list(valid)
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    if matches:
        return f"; did you mean {matches[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def _sentence(model: type[BaseModel], item: Mapping[str, Any]) -> str:
    """Write an error of pydantic as a sentence."""
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        message = item["msg"].removeprefix(OWN)
        return f"{key}: {message}" if key else message
    return f"unknown key {key}{nearest(str(item['loc'][-1]), _fields(model, item['loc'][:-1]))}"


def _fields(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """List the field names of the model that a location leads to."""
    for part in loc:
        field = model.model_fields.get(str(part))
        if field is None:
            continue  # a key of a mapping: stay with the mapping's value type
        types = [field.annotation, *getattr(field.annotation, "__args__", ())]
        models = [type_ for type_ in types if _is_model(type_)]
        model = models[-1] if models else model
    return list(model.model_fields)


def _is_model(type_: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(type_, type) and issubclass(type_, BaseModel)
