"""What is known of the proxies of the program's objects and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from pipelines.sandbox.inside.about import About

GIVEN: Final = 0
"""An object that the program gave."""
MADE: Final = 1
"""One that the tests made, or that came of an operation with one."""
COMPUTED: Final = 2
"""One that came of an operation of an object that the program gave and a plain value."""
ABOUT: Final = "__remote__"
"""Attribute of a proxy's class: program, handle and description."""


class Asked(Protocol):
    """The program, as proxies need it."""

    def ask(self, do: str, /, *args: Any, **named: Any) -> Any:
        """Ask the program's process."""

    def unjudge(self, why: str) -> NoReturn:
        """End judging."""

    def derived(self, name: str, bases: tuple[type, ...], content: dict[str, Any]) -> Any:
        """A class that the tests derive from the program's."""

    def known_as(self, value: Any, trust: int) -> Any:
        """An object with another origin; anything else as it is."""

    def awaited(self, value: Any) -> Any:
        """A coroutine that waits for an object."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a proxy."""

    proxy: Any
    """The proxy itself, so that its `id` is not given to another."""
    number: int
    """What the program's process knows the object by."""
    trust: int
    """`GIVEN`, `MADE` or `COMPUTED`."""
    text: str | None = None
    """Of an exception: its message."""


KNOWN: Final[dict[int, Known]] = {}
"""By `id`: a proxy's own attributes are those of the original."""


def is_object(value: object) -> bool:
    """Whether a value is a proxy of an object that is not a class."""
    return id(value) in KNOWN


def handle(value: Any) -> int:
    """The number of a proxy of an object."""
    return KNOWN[id(value)].number


def trust(value: Any) -> int:
    """Where the object of a proxy comes from."""
    return KNOWN[id(value)].trust


def of_class(kind: Any) -> tuple[Asked, int, About]:
    """Program, number and description of a proxy's class."""
    return type.__getattribute__(kind, ABOUT)  # type: ignore[no-any-return]


def program(value: Any) -> Asked:
    """The program that a proxy's object is of."""
    return of_class(type(value))[0]


def about(value: Any) -> About:
    """The description of the class of a proxy's object."""
    return of_class(type(value))[2]
