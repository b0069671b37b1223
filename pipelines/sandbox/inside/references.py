"""What the two processes call by name: types, exceptions, classes and modules of the library."""

from __future__ import annotations

import builtins
import importlib
import sys
import types
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from pipelines.sandbox.inside import containers, value_types
from pipelines.sandbox.inside.codec import Node
from pipelines.sandbox.inside.errors import MalformedError

TYPES: Final[tuple[type, ...]] = (
    *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset),
    *(range, slice, object, type(None), type(Ellipsis), type(NotImplemented)),
)
"""Types that a program may answer with; a function or a type that runs texts is not among them."""


def _name(kind: type) -> str:
    return kind.__name__


BY_NAME: Final[Mapping[str, type]] = {
    **{_name(kind): kind for kind in TYPES},
    **{
        name: kind
        for name, kind in vars(builtins).items()
        if isinstance(kind, type) and issubclass(kind, BaseException)
    },
}
STOP: Final = ("", "__stop__")
"""What an iterator of the other process gives when it ends; a tuple is compared by content."""
OTHERS: Final = ("map", "filter", "zip", "enumerate", "reversed", "property", "staticmethod")
"""Classes of the language whose instances are no plain values."""
CLASSES: Final = frozenset(
    {
        *(
            "abc",
            "argparse",
            "array",
            "ast",
            "asyncio",
            "base64",
            "binascii",
            "calendar",
            "collections",
        ),
        *("concurrent", "configparser", "contextlib", "copy", "csv", "dataclasses", "datetime"),
        *("decimal", "email", "enum", "fractions", "functools", "heapq", "html", "http", "inspect"),
        *("io", "ipaddress", "itertools", "json", "logging", "multiprocessing", "numbers"),
        *("operator", "pathlib", "pickle", "queue", "random", "re", "secrets", "select", "shutil"),
        *("signal", "socket", "sqlite3", "ssl", "statistics", "string", "struct", "subprocess"),
        *("tempfile", "textwrap", "threading", "time", "tokenize", "types", "typing", "urllib"),
        *("uuid", "weakref", "xml", "zipfile", "zlib", "zoneinfo", "_io", "_thread", "_queue"),
    }
)
"""Modules whose classes a program may answer with; `unittest`, whose exceptions skip tests, is not
among them."""
UNNAMED: Final[Mapping[type, str]] = {
    value: name for name, value in vars(types).items() if isinstance(value, type)
}
"""Types of the language that have their names in `types` alone."""
_PLACES: Final[dict[int, tuple[type, tuple[str, str] | None]]] = {}
"""Classes that were looked for, by `id`: the program's may compare as they like."""


def plain(value: Any) -> Node | None:
    """The node of a type, a class of the library or a module that both processes have."""
    if isinstance(value, type):
        if BY_NAME.get(value.__name__) is value:
            return ["type", value.__name__]
        place = library(value)
        return None if place is None else ["library", *place]
    if type(value) is ModuleType and sys.modules.get(value.__name__) is value and _known(value):
        return ["module", value.__name__]
    return None


def library(kind: type) -> tuple[str, str] | None:
    """Module and name of a class of the library; None: it is none."""
    if id(kind) not in _PLACES:
        _PLACES[id(kind)] = (kind, _place(kind))
    return _PLACES[id(kind)][1]


def _place(kind: type) -> tuple[str, str] | None:
    named = next((name for each, name in UNNAMED.items() if each is kind), None)
    if named is not None:
        return "types", named
    module: object = kind.__module__  # the program's classes may have anything there
    name: object = kind.__qualname__
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    listed = name in OTHERS if module == "builtins" else module.split(".")[0] in CLASSES
    try:
        return (module, name) if listed and found(module, name) is kind else None
    except (ImportError, AttributeError):
        return None


def library_class(module: object, name: object) -> type | None:
    """The class of the library that another process names; None: it may not name that."""
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    listed = name in OTHERS if module == "builtins" else module.split(".")[0] in CLASSES
    if not listed or module == "__main__":
        return None
    try:
        kind = found(module, name)
    except (ImportError, AttributeError):
        return None
    return kind if isinstance(kind, type) and library(kind) == (module, name) else None


def class_sent(module: object, name: object) -> type:
    """The class of the library that the program's process names.

    Raises:
        MalformedError: it may not name that.
    """
    kind = library_class(module, name)
    if kind is None:
        raise MalformedError("a class that a program may not name")
    return kind


def module_sent(name: object) -> ModuleType:
    """The module of the standard library that the program's process names.

    Raises:
        MalformedError: there is none.
    """
    if not isinstance(name, str) or name.split(".")[0] not in sys.stdlib_module_names:
        raise MalformedError("a module that is not of the standard library")
    return importlib.import_module(name)


def place(kind: type) -> tuple[str, str] | None:
    """Where a class is that both processes have, one of plain values included."""
    return value_types.named(kind) if of_values(kind) else library(kind)


def of_values(kind: type) -> bool:
    """Whether the instances of a class are plain values, which cross as themselves."""
    if any(kind is each for each in (*TYPES, *containers.KINDS, *value_types.VIEWS)):
        return True
    return value_types.named(kind) in value_types.LIBRARY and library(kind) is not None


def found(module: str, name: str) -> Any:
    """What a module of the standard library has under a name."""
    value: Any = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def exception(kind: Any, args: Any) -> BaseException:
    """An exception of a type, whatever arguments the type wants."""
    try:
        error: BaseException = kind(*args)
    except Exception:  # noqa: BLE001  whatever its constructor raises
        error = kind.__new__(kind)
        error.args = tuple(args)
    return error


def _known(module: ModuleType) -> bool:
    return (
        module.__name__.split(".")[0] in sys.stdlib_module_names and module.__name__ != "__main__"
    )
