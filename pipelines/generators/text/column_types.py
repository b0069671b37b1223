"""Columns that are not texts: their JSON schemas, and the values of answers in the lake's types.

A user says by column `messages` or a JSON schema, or names a file with the schema of a whole
answer. Schemas are bounded and refer to nothing else. Values of answers are cast to the type that
the real rows have; where these hold a text and the schema asks for something else, such as the
arguments of a tool call, its JSON is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from lake import documents
from lake.documents import DocumentError
from pipelines.common.errors import GeneratorError, ParamsError
from pipelines.llm import answers, prompt_escaping

MESSAGES: Final = "messages"
"""The word for a conversation."""
ROLES: Final = ("system", "user", "assistant", "tool")
MOST_MESSAGES: Final = 100
DEEPEST: Final = 8
"""Levels of a column's schema."""
LONGEST: Final = 1 << 16
"""Bytes of a column's schema as JSON."""
REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor")
"""Keywords by which a schema leaves itself."""
PLAIN: Final[Mapping[str, pl.DataType]] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
}

LARGEST: Final = float(np.finfo(np.float64).max)
LARGEST_SHORT: Final = float(np.finfo(np.float32).max)
"""Numbers beyond which floats of 64 and 32 bits are not finite."""

TOOL_CALLS: Final = "tool_calls"
CALLS: Final[Mapping[str, Any]] = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "arguments": {"type": "string"}},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    },
}
"""Calls of tools, where real rows hold them as JSON text; arguments are JSON as text."""

Schemas = Mapping[str, Mapping[str, Any]]
"""JSON schemas by column."""


def read(given: Mapping[str, Any] | str | None, rows: pl.Schema | None = None) -> Schemas:
    """Read the schemas of columns.

    Args:
        given: as `TextGenerate.types`.
        rows: types of the real rows, which say what a message has besides role and content.

    Raises:
        GeneratorError: a file cannot be read; or a schema is none, too large, too deep, or refers
            to another one.
    """
    named = _of_file(given) if isinstance(given, str) else dict(given or {})
    known = rows or pl.Schema()
    return {name: _schema(name, value, known.get(name)) for name, value in named.items()}


def answer(columns: Sequence[str], schemas: Schemas, max_chars: int | None) -> dict[str, Any]:
    """JSON schema of an answer: an object with these columns, and nothing else.

    Args:
        columns: what the answer has.
        schemas: of those that are not texts.
        max_chars: of a text.
    """
    text = {"type": "string"} | ({} if max_chars is None else {"maxLength": max_chars})
    return {
        "type": "object",
        "properties": {name: dict(schemas.get(name, text)) for name in columns},
        "required": list(columns),
        "additionalProperties": False,
    }


def dtype(schema: Mapping[str, Any]) -> pl.DataType:
    """Return the type in which a column of a schema is stored, where no real row has one.

    Lists and objects with known parts have their own types; whatever else there is, is JSON text.
    """
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [each for each in kind if each != "null"]
        kind = kinds[0] if len(kinds) == 1 else None
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return pl.List(dtype(schema["items"]))
    if kind == "object" and schema.get("properties"):
        parts = schema["properties"].items()
        return pl.Struct({name: dtype(part) for name, part in parts})
    return PLAIN.get(str(kind), pl.String())


def stored(value: Any, kind: pl.DataType) -> Any:  # noqa: ANN401  JSON
    """Return a value of an answer as it is stored in a type.

    Raises:
        ValueError: it does not fit the type.
    """
    if value is None:
        return None
    if kind == pl.String:
        return prompt_escaping.sound(value if isinstance(value, str) else _written(value))
    if isinstance(kind, pl.List) and isinstance(value, list):
        inner = pl.Series(dtype=kind.inner).dtype
        return [stored(each, inner) for each in value]
    if isinstance(kind, pl.Struct) and isinstance(value, dict):
        return _object(value, kind)
    return _number(value, kind)


def _written(value: Any) -> str:  # noqa: ANN401  JSON
    """A value as JSON.

    Raises:
        ValueError: it holds a number that is not finite, which JSON has no form for.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ValueError("it holds a number that is not finite") from None


def _object(value: Mapping[str, Any], kind: pl.Struct) -> dict[str, Any]:
    parts = {field.name: pl.Series(dtype=field.dtype).dtype for field in kind.fields}
    unknown = next((name for name in value if name not in parts), None)
    if unknown is not None:
        raise ValueError(f"it has the part {unknown[:40]!r}, which real rows do not have")
    return {name: stored(value.get(name), part) for name, part in parts.items()}


def _number(value: Any, kind: pl.DataType) -> Any:  # noqa: ANN401  JSON
    if kind == pl.Boolean and isinstance(value, bool):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not abs(value) <= (LARGEST_SHORT if kind == pl.Float32 else LARGEST):
        raise ValueError("it is a number that real rows cannot hold")
    if is_number and kind.is_float():
        return float(value)
    if is_number and kind.is_integer() and value == int(value):
        try:
            pl.Series([int(value)], dtype=pl.Int64).cast(kind)
        except (OverflowError, TypeError, pl.exceptions.PolarsError):
            raise ValueError("it is a number that real rows cannot hold") from None
        return int(value)
    raise ValueError(f"it is {type(value).__name__}, where real rows hold {kind}")


def _of_file(path: str) -> dict[str, Any]:
    """Read the properties of a schema in a file."""
    try:
        content = documents.read_object(Path(path))
    except FileNotFoundError as error:
        raise GeneratorError(f"types: there is no file {path!r}; give one, or null") from error
    except DocumentError as error:
        raise GeneratorError(f"types: {path} {error}") from error
    properties = content.get("properties")
    if not isinstance(properties, dict) or not properties:
        raise GeneratorError(
            f"types: {path} has no properties; it must be the JSON schema of an object whose "
            "properties are columns"
        )
    outside = next((name for name in REFERENCES if name in content and name != "$id"), None)
    if outside is not None:
        raise GeneratorError(f"types: {path} has {outside}; write out what it refers to")
    return properties


def _schema(name: str, given: object, kind: pl.DataType | None) -> dict[str, Any]:
    """Check the schema of a column."""
    where = f"types: column {name!r}"
    if given == MESSAGES:
        return _messages(kind)
    if not isinstance(given, Mapping):
        raise GeneratorError(f"{where} is neither {MESSAGES!r} nor a JSON schema; give one of them")
    try:
        encoded = json.dumps(given)
    except (TypeError, ValueError, RecursionError):
        raise GeneratorError(f"{where} holds something that JSON cannot hold") from None
    schema: dict[str, Any] = json.loads(encoded)
    if problem := _beyond(schema, len(encoded)):
        raise GeneratorError(f"{where} {problem}")
    try:
        answers.check_schema(schema)
    except ParamsError as error:
        raise GeneratorError(f"{where}: {error}") from error
    return schema


def _beyond(schema: Mapping[str, Any], size: int) -> str | None:
    """Why a schema is not bounded; None if it is."""
    if size > LONGEST:
        return f"has {size:,} bytes; {LONGEST:,} are the most"
    for depth, keyword in _keywords(schema):
        if depth > DEEPEST:
            return f"is nested more than {DEEPEST} levels deep"
        if keyword in REFERENCES:
            return f"has {keyword}; write out what it refers to"
    return None


def _keywords(schema: object, depth: int = 1) -> Iterator[tuple[int, str]]:
    """Yield the keywords of a schema, each with its level; lists of schemas are no level."""
    if isinstance(schema, list):
        for each in schema:
            yield from _keywords(each, depth)
    if isinstance(schema, Mapping):
        for name, part in schema.items():
            yield depth, name
            if depth <= 4 * DEEPEST:
                parts = name in {"properties", "$defs", "definitions", "patternProperties"}
                yield from _keywords(part, depth if parts else depth + 1)


def _messages(kind: pl.DataType | None) -> dict[str, Any]:
    """Schema of a conversation, whose messages have the further parts that real ones have."""
    parts: dict[str, Any] = {
        "role": {"type": "string", "enum": list(ROLES)},
        "content": {"type": "string"},
    }
    if isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct):
        for field in kind.inner.fields:
            calls = field.name == TOOL_CALLS and field.dtype == pl.String
            parts.setdefault(field.name, CALLS if calls else _like(pl.Series(dtype=field.dtype)))
    message = {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }
    return {"type": "array", "items": message, "minItems": 1, "maxItems": MOST_MESSAGES}


def _like(empty: pl.Series) -> dict[str, Any]:
    """JSON schema of values like those of a column, or null."""
    kind = empty.dtype
    if isinstance(kind, pl.List):
        return {"type": ["array", "null"], "items": _like(pl.Series(dtype=kind.inner))}
    if isinstance(kind, pl.Struct):
        parts = {field.name: _like(pl.Series(dtype=field.dtype)) for field in kind.fields}
        rules = {"required": list(parts), "additionalProperties": False}
        return {"type": ["object", "null"], "properties": parts, **rules}
    if kind.is_integer():
        return {"type": ["integer", "null"]}
    if kind.is_float():
        return {"type": ["number", "null"]}
    return {"type": ["boolean" if kind == pl.Boolean else "string", "null"]}
