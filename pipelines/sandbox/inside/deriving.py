"""Classes of the tests that derive from the program's: they are made in its process.

Their methods stay the tests' own: they are called back with the object as a proxy.
"""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Mapping
from typing import Any, Final

from pipelines.sandbox.inside import known
from pipelines.sandbox.inside.known import Asked
from pipelines.sandbox.inside.proxies import Remote

LEFT_OUT: Final = frozenset({"__module__", "__qualname__", "__classcell__", "__firstlineno__"})
"""What the language puts into a class by itself."""
WRAPPED: Final[Mapping[str, tuple[type, tuple[str, ...]]]] = {
    "property": (property, ("fget", "fset", "fdel")),
    "classmethod": (classmethod, ("__func__",)),
    "staticmethod": (staticmethod, ("__func__",)),
}
"""What wraps functions in a class, with the attributes that hold them."""


def derived(program: Asked, name: str, bases: tuple[type, ...], content: dict[str, Any]) -> Any:
    """Make a class in the program's process; the tests have a proxy of it."""
    parts = [(key, *_taken_apart(value)) for key, value in content.items() if key not in LEFT_OUT]
    made = program.ask("derive", name, bases, parts)
    if "__classcell__" in content:
        content["__classcell__"].cell_contents = made
    return made


def _taken_apart(value: Any) -> tuple[Any, ...]:
    for name, (kind, parts) in WRAPPED.items():
        if type(value) is kind:
            return (name, *(getattr(value, part) for part in parts))
    return "", value


def put_together(name: str, bases: tuple[type, ...], parts: list[tuple[Any, ...]]) -> type:
    """Make the class; in the program's process."""

    def fill(content: dict[str, Any]) -> None:
        content["__module__"] = "__main__"
        for key, kind, *values in parts:
            content[key] = WRAPPED[kind][0](*values) if kind else values[0]

    return types.new_class(name, bases, {}, fill)


def super_(*args: Any) -> Any:
    """`super`, for classes that derive from the program's as well."""
    if args:
        kind, owner = (*args, None)[:2]
    else:
        frame = sys._getframe(1)  # noqa: SLF001  as the language finds it
        kind, owner = frame.f_locals["__class__"], frame.f_locals[frame.f_code.co_varnames[0]]
    return _Super(kind, owner) if type(kind) is Remote else builtins.super(kind, owner)


class _Super:
    """What the classes above one of the tests have."""

    def __init__(self, kind: Any, owner: Any) -> None:
        object.__setattr__(self, "_of", (kind, owner))

    def __getattribute__(self, name: str) -> Any:
        kind, owner = object.__getattribute__(self, "_of")
        return known.of_class(kind)[0].ask("super", kind, owner, name)
