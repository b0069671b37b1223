"""What the two processes call by name: types, exceptions, modules of the standard library."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from pipelines.sandbox.inside.codec import Node

TYPES: Final[tuple[type, ...]] = (
    *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset),
    *(range, slice, object, type(None), type(Ellipsis)),
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
CALLBACK: Final = "__callback__"
"""Attribute of a function that stands for one of the other process."""
STOP: Final = ("", "__stop__")
"""What an iterator of the other process gives when it ends; a tuple is compared by content."""


def plain(value: Any) -> Node | None:
    """The node of a type, exception or module that both processes have."""
    if isinstance(value, type) and BY_NAME.get(value.__name__) is value:
        return ["type", value.__name__]
    if isinstance(value, ModuleType) and sys.modules.get(value.__name__) is value and _known(value):
        return ["module", value.__name__]
    return None


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
