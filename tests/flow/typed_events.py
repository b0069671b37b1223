"""Hold events against OpenLineage's schemas, as its client has them: classes generated from each.

A field that a schema lacks, a value of another type, one that is required and missing, or one that
a class refuses, is a fault. Which class a facet has, says its own `_schemaURL`.
"""

from __future__ import annotations

import importlib
import sys
import types
import typing
from pathlib import Path
from typing import Any

import attr
from openlineage.client import event_v2, generated
from openlineage.client.generated import base

NAMES = {"ClassVar": typing.ClassVar, "Literal": typing.Literal, "Union": typing.Union}
UNIONS = (typing.Union, types.UnionType)


def _classes() -> dict[str, Any]:
    """The classes by the address of their schema."""
    found: dict[str, Any] = {}
    for path in Path(next(iter(generated.__path__))).glob("*.py"):
        module = importlib.import_module(f"{generated.__name__}.{path.stem}")
        for kind in vars(module).values():
            if isinstance(kind, type) and attr.has(kind) and hasattr(kind, "_get_schema"):
                found.setdefault(kind._get_schema(), kind)
    return found


CLASSES = _classes()


def check(event: dict[str, Any]) -> None:
    """Hold an event about a run, and all of its facets, against the classes."""
    _value(event_v2.RunEvent, event, "event")


def _value(kind: Any, content: Any, where: str) -> None:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in UNIONS:
        _optional(arguments, content, where)
    elif origin is list:
        assert isinstance(content, list), where
        for index, each in enumerate(content):
            _value(arguments[0], each, f"{where}[{index}]")
    elif origin is dict:
        assert isinstance(content, dict), where
        for name, each in content.items():
            _value(arguments[1], each, f"{where}.{name}")
    elif origin is typing.Literal:
        assert content in arguments, where
    else:
        _plain(kind, content, where)


def _plain(kind: Any, content: Any, where: str) -> None:
    if kind is base.EventType:
        assert content in base.EventType.__members__, where
    elif attr.has(kind):
        _object(kind, content, where)
    else:
        assert kind is Any or isinstance(content, kind), f"{where} is {content!r}"


def _optional(options: tuple[Any, ...], content: Any, where: str) -> None:
    """A value that may be missing, or an entry that says which of two kinds it is of."""
    if content is None:
        assert type(None) in options, f"{where} is null"
        return
    kinds = [kind for kind in options if kind is not type(None)]
    if len(kinds) > 1:
        kinds = [kind for kind in kinds if content["type"].title() in kind.__name__]
    (kind,) = kinds
    _value(kind, content, where)


def _object(kind: Any, content: Any, where: str) -> None:
    assert isinstance(content, dict), where
    if issubclass(kind, base.BaseFacet):
        kind = CLASSES[content["_schemaURL"]]
    hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]), NAMES)
    fields = {each.name: each for each in attr.fields(kind)}
    unknown = content.keys() - fields.keys()
    assert not unknown, f"{where} has {unknown}, which its schema lacks"
    for name, field in fields.items():
        if name not in content:
            assert field.default is not attr.NOTHING, f"{where} lacks {name}"
            continue
        _value(hints[name], content[name], f"{where}.{name}")
        if field.validator is not None:
            field.validator(types.SimpleNamespace(**content), field, content[name])
