"""What the tests may ask of the program's objects, by the name of the request.

These run in the program's process, which the program may change as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pipelines.sandbox.inside import deriving, references, special, waiting


def _call(function: Any, /, *args: Any, **named: Any) -> Any:
    return function(*args, **named)


def _library(module: str, name: str, /, *args: Any, **named: Any) -> Any:
    """Call a function of the standard library on the program's objects."""
    return references.found(module, name)(*args, **named)


def _equal(owner: Any, other: Any) -> list[Any]:
    """Whether two objects are equal, and whether the first equals what nothing equals."""
    return [bool(owner == other), special.equals_anything(owner)]


def _instance(kind: Any, value: Any) -> bool:
    return isinstance(value, kind)


def _subclass(kind: Any, other: Any) -> bool:
    return issubclass(other, kind)


def _content_of(kind: type) -> dict[str, Any]:
    """What a class has itself."""
    return dict(vars(kind))


def _super(kind: Any, owner: Any, name: str) -> Any:
    return getattr(super(kind, owner), name)


OF_OBJECTS: Final[Mapping[str, Callable[..., Any]]] = {
    "call": _call,
    "library": _library,
    "get": getattr,
    "set": setattr,
    "delete": delattr,
    "special": special.called,
    "equal": _equal,
    "content": special.content,
    "instance": _instance,
    "subclass": _subclass,
    "content_of": _content_of,
    "describe": special.described,
    "super": _super,
    "derive": deriving.put_together,
    "begin": waiting.begin,
    "step": waiting.step,
    "cancel": waiting.cancel,
}
