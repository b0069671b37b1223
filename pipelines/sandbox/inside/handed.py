"""What the tests hand to the program: functions, objects and exceptions of their own.

These stay in the tests' process, as the program's objects stay in the other: the program calls a
function, reads and sets attributes, awaits. It may do no more to an object than that. A method is
not replaced, nor anything that the language or `unittest.mock` has for itself.
"""

from __future__ import annotations

import copy
import inspect
import unittest
from collections.abc import Awaitable, Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from pipelines.sandbox.inside import outgoing, references, special
from pipelines.sandbox.inside.codec import Encoder, Node
from pipelines.sandbox.inside.errors import CrossingError, MalformedError

TESTS: Final = "__main__"
"""Module of the classes that tests define."""
MOCKS: Final = "unittest.mock"
STREAMS: Final = "_io"
OBJECTS: Final = frozenset({TESTS, MOCKS, STREAMS, "types", "functools", "codecs"})
"""Modules whose objects the program may use."""
DESCRIBING: Final = ("__dict__", "__name__", "__qualname__", "__doc__", "__module__")
"""Attributes of the language that may be read."""


class Handed:
    """What the program has of the tests, by numbers."""

    def __init__(self) -> None:
        """Begin without anything."""
        self._values: list[tuple[str, Any]] = []
        self._numbers: dict[Any, int] = {}
        self._tasks: list[Any] = []

    def value(self, number: object) -> Any:
        """What has a number.

        Raises:
            MalformedError: nothing has.
        """
        return self._entry(number)[1]

    def node(self, value: Any, encoder: Encoder) -> Node:
        """The node of something that the tests hand over.

        Raises:
            CrossingError: it cannot leave them.
        """
        how = kind(value)
        key = _key(value)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._values)
            self._values.append((how, value))
            encoder.keep(value)
        told = TELLING.get(how, _nothing)(value)
        return ["given", number, how, outgoing.name(value), *map(encoder.place, told)]

    def answer(self, number: object, how: object, args: list[Any], named: dict[str, Any]) -> Any:
        """Do what the program asks of something.

        Raises:
            MalformedError: that cannot be asked.
            BaseException: what the tests raise.
        """
        was, value = self._entry(number)
        if how == "call" and was in {"function", "callback"}:
            return value(*args, **named)
        if how == "next" and was == "iterator":
            return next(value, references.STOP)
        if how in {"begin", "step"} and was == "awaitable":
            return self._begin(value) if how == "begin" else self._step(*args)
        if was == "object" and isinstance(how, str) and how in ASKED:
            return ASKED[how](value, *args, **named)
        raise MalformedError("a question that there is none of")

    def _entry(self, number: object) -> tuple[str, Any]:
        if type(number) is not int or not 0 <= number < len(self._values):
            raise MalformedError("what the tests never gave")
        return self._values[number]

    def _begin(self, value: Awaitable[Any]) -> int:
        """Begin to wait for something of the tests, beside what they do themselves."""
        import asyncio  # noqa: PLC0415  slow to import

        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            loop = asyncio.new_event_loop()
            task: Any = loop.create_task(_waited(value))
            loop.run_until_complete(asyncio.wait([task]))
            loop.close()
        else:
            task = running.create_task(_waited(value))
        self._tasks.append(task)
        return len(self._tasks) - 1

    def _step(self, number: int) -> tuple[bool, Any]:
        """Whether something is there that is waited for, and what it is."""
        task = self._tasks[number]
        return (True, task.result()) if task.done() else (False, None)


async def _waited(value: Awaitable[Any]) -> Any:
    return await value


def kind(value: Any) -> str:
    """How the program sees something of the tests.

    Raises:
        CrossingError: not at all.
    """
    if isinstance(value, type) and not issubclass(value, BaseException):
        raise CrossingError(f"the tests hand the program a class of their own, {value.__name__}")
    for how, is_one in KINDS:
        if is_one(value) and not isinstance(value, unittest.TestCase | ModuleType):
            return how
    raise CrossingError(
        f"the tests hand the program an object of class {type(value).__qualname__}, which cannot "
        "leave them"
    )


def _is_object(value: Any) -> bool:
    """Whether it is an object of a class that the tests define, or of one for tests."""
    return type(value).__module__ in OBJECTS or type(value) is object


KINDS: Final[tuple[tuple[str, Callable[[Any], bool]], ...]] = (
    ("exception", lambda value: isinstance(value, type)),
    ("function", lambda value: isinstance(value, FunctionType)),
    ("callback", lambda value: isinstance(value, MethodType | BuiltinFunctionType)),
    ("awaitable", lambda value: hasattr(type(value), "__await__")),
    ("object", _is_object),
    ("iterator", lambda value: hasattr(type(value), "__next__")),
    ("callback", callable),
)
"""How the program sees what it is handed; the first that fits."""


def _key(value: Any) -> Any:
    """What tells one thing from another; a method is made each time that it is read."""
    if isinstance(value, MethodType):
        return id(value.__self__), id(value.__func__)
    if isinstance(value, BuiltinFunctionType) and value.__self__ is not None:
        return id(value.__self__), value.__name__
    return id(value)


def _nothing(_: Any) -> tuple[Any, ...]:
    return ()


def _of_function(value: FunctionType) -> tuple[Any, ...]:
    """Whether it is asynchronous, its documentation and its parameters, if these can be told."""
    asks = inspect.iscoroutinefunction(value), value.__doc__
    parameters = []
    for each in inspect.signature(value, follow_wrapped=False).parameters.values():
        has = each.default is not each.empty
        if has and not outgoing.is_plain(each.default):
            return (*asks, None)
        parameters.append((each.name, each.kind.value, has, each.default if has else None))
    return (*asks, tuple(parameters))


def _of_object(value: Any) -> tuple[Any, ...]:
    """Its special methods, and whether it compares by itself and can be hashed."""
    own = type(value)
    return (
        tuple(special.own_names(own)),
        _compares(own) and own.__module__ != MOCKS,
        own.__hash__ is not None,
    )


def _compares(own: Any) -> bool:
    return own.__eq__ is not object.__eq__


def _of_exception(value: Any) -> tuple[Any, ...]:
    """The nearest class above it that both processes have."""
    return (next(base for base in value.__mro__ if references.plain(base) is not None),)


TELLING: Final[dict[str, Callable[[Any], tuple[Any, ...]]]] = {
    "function": _of_function,
    "object": _of_object,
    "exception": _of_exception,
}


def _may_read(value: Any, name: object) -> str:
    if not isinstance(name, str):
        raise MalformedError("a name that is none")
    if name.startswith("__") and name not in DESCRIBING:
        raise AttributeError(f"{name} of the tests is not shown")
    if type(value).__module__ == MOCKS and (name.startswith("_") or name in _of_mocks()):
        raise AttributeError(f"{name} of a mock is for the tests")
    return name


def _may_set(value: Any, name: object) -> str:
    found = _may_read(value, name)
    if found.startswith("__") or type(value).__module__ == STREAMS:
        raise AttributeError(f"{found} of the tests cannot be set")
    own = inspect.getattr_static(type(value), found, None)
    if own is not None and not hasattr(type(own), "__set__") and callable(getattr(value, found)):
        raise AttributeError(f"{found} of the tests cannot be replaced")
    return found


def _of_mocks() -> set[str]:
    from unittest.mock import AsyncMock, Mock  # noqa: PLC0415  imported by the tests

    return {*dir(Mock()), *dir(AsyncMock())}


def _get(value: Any, name: str) -> Any:
    found = getattr(value, _may_read(value, name))
    return dict(found) if name == "__dict__" else found


def _set(value: Any, name: str, to: Any) -> None:
    setattr(value, _may_set(value, name), to)


def _delete(value: Any, name: str) -> None:
    delattr(value, _may_set(value, name))


def _special(value: Any, name: str, /, *args: Any, **named: Any) -> Any:
    if name not in special.NAMES or not hasattr(type(value), name):
        raise MalformedError("a method that there is none of")
    if name in special.LEAVING and args[0] is not None:
        args = (type(args[1]), args[1], None)
    return special.called(value, name, *args, **named)


def _equal(value: Any, other: Any) -> Any:
    return value == other


ASKED: Final[dict[str, Callable[..., Any]]] = {
    "get": _get,
    "set": _set,
    "delete": _delete,
    "special": _special,
    "equal": _equal,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
"""What the program may ask of an object of the tests."""
