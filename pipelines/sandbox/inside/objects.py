"""The proxies that the tests have, by the numbers of what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.sandbox.inside import known, operations, references, special
from pipelines.sandbox.inside.about import about
from pipelines.sandbox.inside.codec import Decoder, Node
from pipelines.sandbox.inside.errors import MalformedError
from pipelines.sandbox.inside.known import GIVEN, KNOWN, Asked, Known
from pipelines.sandbox.inside.proxies import Proxy, Remote


class Handle:
    """An object of the program by its number alone."""

    def __init__(self, number: int) -> None:
        """Take the number."""
        self.number = number


class Objects:
    """Proxies, each made once."""

    def __init__(self, program: Asked) -> None:
        """Take what asks the program's process."""
        self._program = program
        self._classes: dict[int, Any] = {}
        self._proxies: dict[tuple[int, int], Any] = {}

    def value(self, node: Node, decoder: Decoder) -> Any:
        """The proxy of an object, or what waits for a coroutine.

        Raises:
            MalformedError: the node is none.
        """
        _, number, owner, is_coroutine, *content = node
        _check(number)
        if is_coroutine is True:
            return self._program.awaited(Handle(number))
        exact = decoder.value(content[0]) if content else None
        return self._proxy(number, self.kind(owner), GIVEN, lambda: exact)

    def known_as(self, value: Any, trust: int) -> Any:
        """An object with another origin; anything else as it is."""
        if not known.is_object(value):
            return value
        return self._proxy(known.handle(value), type(value), trust, lambda: value)

    def kind(self, number: Any) -> Any:
        """The proxy's class of a class of the program.

        Raises:
            MalformedError: that is no class.
        """
        if _check(number) not in self._classes:
            told = about(self._program.ask("describe", Handle(number)))
            bases = tuple(base for base in told.bases if _is_base(base))
            if not any(type(base) is Remote for base in bases):
                bases = (Proxy, *bases)
            content, of = operations.namespace(told), (self._program, number, told)
            try:
                made = Remote(told.name, bases, content, about=of)
            except TypeError:  # bases that do not go together
                made = Remote(told.name, (Proxy,), content, about=of)
            self._classes[number] = made
        return self._classes[number]

    def error(self, kind: Any, args: Any, text: Any, number: Any, own: Any) -> BaseException:
        """An exception of the program.

        Args:
            kind: its class.
            args: its arguments.
            text: its message.
            number: what the program's process knows it by.
            own: its attributes, of a class that both processes have.

        Raises:
            MalformedError: it is none.
        """
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise MalformedError("an exception that is none")
        if type(kind) is not Remote:
            error = references.exception(kind, args)
            for name, value in own.items() if isinstance(own, dict) else ():
                if isinstance(name, str) and (name == "__notes__" or not name.startswith("__")):
                    object.__setattr__(error, name, value)
            return error
        made: Any = kind.__new__(kind, *args)  # type: ignore[arg-type]
        KNOWN[id(made)] = Known(made, _check(number), GIVEN, text=str(text))
        return made  # type: ignore[no-any-return]

    def _proxy(self, number: int, kind: Any, trust: int, content: Callable[[], Any]) -> Any:
        key = (number, trust)
        if key not in self._proxies:
            base = special.fixed(kind)
            if issubclass(kind, BaseException):
                made: Any = kind.__new__(kind)
            elif base is None:
                made = object.__new__(kind)
            else:
                made = _new(base, kind, special.EXACT[base](content()))
            KNOWN[id(made)] = Known(made, number, trust)
            self._proxies[key] = made
        return self._proxies[key]


def _new(base: Any, kind: Any, content: Any) -> Any:
    """An unchanging value of a class that derives from its type."""
    return base.__new__(kind, content)


def _is_base(kind: Any) -> bool:
    """Whether a proxy's class can derive from a class."""
    return type(kind) is Remote or (
        isinstance(kind, type) and (kind in special.EXACT or issubclass(kind, BaseException))
    )


def _check(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise MalformedError("a value without a number")
    return number
