"""What the tests gave the program, as it sees that: functions, objects and exceptions.

They stay in the tests' process; here is what stands for them, and asks there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import cache
from types import FunctionType
from typing import Any, Final

from pipelines.sandbox.inside import references
from pipelines.sandbox.inside.errors import MalformedError

Ask = Callable[..., Any]
"""Asks the tests' process: a number, what to do, arguments."""
OBJECTS: Final[dict[int, Ask]] = {}
"""What asks, by the `id` of an object's stand-in; its own attributes are those of the original."""
NUMBERS: Final[dict[int, int]] = {}
"""Numbers of stand-ins, by `id`; all of them are kept."""


class Given:
    """The stand-ins, by numbers."""

    def __init__(self, ask: Ask) -> None:
        """Take what asks the tests' process."""
        self._ask = ask
        self._known: dict[int, Any] = {}

    def number(self, value: object) -> int | None:
        """The number of a stand-in; None: it is none."""
        number = NUMBERS.get(id(value))
        return number if number is not None and self._known.get(number) is value else None

    def value(self, number: int, how: str, name: str, *told: Any) -> Any:
        """What stands for something of the tests."""
        if number not in self._known:
            if how not in MAKING:
                raise MalformedError(f"something of the tests that is {how}")
            made = MAKING[how](self._ask, number, name, *told)
            NUMBERS[id(made)] = number
            self._known[number] = made
        return self._known[number]


def _callback(ask: Ask, number: int, name: str) -> Any:
    def function(*args: Any, **named: Any) -> Any:
        return ask(number, "call", *args, **named)

    function.__name__ = function.__qualname__ = name
    return function


Parameters = tuple[tuple[str, int, bool, Any], ...]
"""Of a function: name, kind, whether there is a default, default."""


def _function(ask: Ask, number: int, name: str, *told: Any) -> Any:
    """A function with the parameters of one of the tests."""
    is_async, doc, parameters = told
    if parameters is None:
        made = _callback(ask, number, name)
    else:
        made = _with_parameters(ask, number, parameters, is_async=is_async)
    made.__name__ = made.__qualname__ = name
    made.__doc__, made.__module__ = doc, "__main__"
    return made


def _with_parameters(ask: Ask, number: int, parameters: Parameters, *, is_async: bool) -> Any:
    kinds = list(inspect._ParameterKind)  # noqa: SLF001  by their values
    empty = inspect.Parameter.empty
    made = [
        inspect.Parameter(each, kinds[kind], default=default if has else empty)
        for each, kind, has, default in parameters
    ]
    signature = inspect.Signature([each.replace(default=empty) for each in made])
    passed = ", ".join(map(_passed, made))
    begin, give = ("async ", "await ") if is_async else ("", "")
    code = f"{begin}def function{signature}: return {give}__ask__({passed})"
    names: dict[str, Any] = {"__ask__": lambda *args, **named: ask(number, "call", *args, **named)}
    exec(code, names)  # noqa: S102  of names of parameters
    function: FunctionType = names["function"]
    keyword = [each for each in made if each.kind is each.KEYWORD_ONLY]
    others = [each for each in made if each.kind is not each.KEYWORD_ONLY]
    function.__defaults__ = tuple(each.default for each in others if each.default is not empty)
    function.__kwdefaults__ = {
        each.name: each.default for each in keyword if each.default is not empty
    }
    return function


def _passed(parameter: inspect.Parameter) -> str:
    """How a parameter is passed on."""
    name = parameter.name
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{name}"
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{name}"
    return f"{name}={name}" if parameter.kind is parameter.KEYWORD_ONLY else name


def _iterator(ask: Ask, number: int, _: str) -> Any:
    return iter(lambda: ask(number, "next"), references.STOP)


def _exception(_: Ask, __: int, name: str, base: Any) -> Any:
    return type(name, (base,), {"__module__": "__main__"})


def _awaitable(ask: Ask, number: int, _: str) -> Any:
    return Awaited(ask, number)


class Awaited:
    """Something of the tests that can be awaited."""

    def __init__(self, ask: Ask, number: int) -> None:
        """Take what asks."""
        self._ask, self._number = ask, number

    def __await__(self) -> Generator[Any, Any, Any]:
        """Let the tests' process go on until it is there."""
        import asyncio  # noqa: PLC0415  slow to import

        task = self._ask(self._number, "begin")
        while True:
            done, value = self._ask(self._number, "step", task)
            if done:
                return value
            yield from asyncio.sleep(0).__await__()


def _object(ask: Ask, number: int, name: str, *told: Any) -> Any:
    made = object.__new__(_class(name, *told))
    OBJECTS[id(made)] = lambda how, /, *args, **named: ask(number, how, *args, **named)
    return made


@cache
def _class(name: str, specials: tuple[str, ...], compares: bool, hashable: bool) -> Any:
    content: dict[str, Any] = {each: _forwarded(each) for each in specials}
    if compares:
        content["__eq__"] = _equal
    if not hashable:
        content["__hash__"] = None
    elif "__hash__" not in content:
        content["__hash__"] = object.__hash__
    return type(name, (Object,), content | {"__module__": "__main__"})


def _forwarded(name: str) -> Callable[..., Any]:
    def method(self: Any, /, *args: Any, **named: Any) -> Any:
        return OBJECTS[id(self)]("special", name, *args, **named)

    return method


def _equal(self: Any, other: Any) -> Any:
    return OBJECTS[id(self)]("equal", other)


class Object:
    """An object of the tests."""

    def __getattribute__(self, name: str) -> Any:
        """An attribute; what the language looks for is here."""
        if name.startswith("__") and name != "__dict__":
            return object.__getattribute__(self, name)
        return OBJECTS[id(self)]("get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute there."""
        OBJECTS[id(self)]("set", name, value)

    def __delattr__(self, name: str) -> None:
        """Delete an attribute there."""
        OBJECTS[id(self)]("delete", name)

    def __copy__(self) -> Any:
        """Copy it there."""
        return OBJECTS[id(self)]("copy")

    def __deepcopy__(self, _: Any) -> Any:
        """Copy it there with all that it holds."""
        return OBJECTS[id(self)]("deepcopy")


MAKING: Final[dict[str, Callable[..., Any]]] = {
    "callback": _callback,
    "function": _function,
    "iterator": _iterator,
    "exception": _exception,
    "awaitable": _awaitable,
    "object": _object,
}
