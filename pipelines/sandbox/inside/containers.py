"""Containers that can be changed: what is in one, and how another gets the same content."""

from __future__ import annotations

import array
import collections
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.sandbox.inside.errors import MalformedError


def _pairs(items: Iterable[tuple[Any, Any]]) -> list[Any]:
    return [part for pair in items for part in pair]


def _fill_mapping(value: Any, parts: list[Any]) -> None:
    """Give a dict new content; one whose keys stay is not emptied, since it may be iterated."""
    keys = parts[::2]
    if not (len(keys) == len(value) and all(map(_is_one, keys, value))):
        value.clear()
    for key, each in zip(keys, parts[1::2], strict=True):
        dict.__setitem__(value, key, each)


def _fill_ordered(value: Any, parts: list[Any]) -> None:
    value.clear()
    value.update(zip(parts[::2], parts[1::2], strict=True))


def _is_one(key: object, other: object) -> bool:
    return key is other or (type(key) is type(other) is str and key == other)


def _fill_set(value: Any, parts: list[Any]) -> None:
    value.clear()
    value.update(parts)


def _fill_sequence(value: Any, parts: list[Any]) -> None:
    value.clear()
    value.extend(parts)


def _fill_list(value: Any, parts: list[Any]) -> None:
    value[:] = parts


def _fill_array(value: Any, parts: list[Any]) -> None:
    del value[:]
    value.extend(parts)


def _fill_bytes(value: Any, parts: list[Any]) -> None:
    value[:] = bytes(parts[0])


def nothing(first: Any) -> list[Any]:  # noqa: ARG001  not every container is made of something
    """What a container is made of that is made of nothing."""
    return []


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of containers."""

    parts: Callable[[Any], list[Any]]
    """What is in one; of a dict, keys and values in turn."""
    fill: Callable[[Any, list[Any]], None]
    make: Callable[..., Any]
    """An empty one."""
    made_of: Callable[[Any], list[Any]] = nothing
    """What an empty one is made of, which does not change."""
    same: Callable[[Any, Any], bool] = operator.is_
    """Whether two parts are the same."""


KINDS: Final[Mapping[type, Kind]] = {
    list: Kind(list, _fill_list, list),
    set: Kind(list, _fill_set, set),
    dict: Kind(lambda value: _pairs(value.items()), _fill_mapping, dict),
    bytearray: Kind(lambda value: [bytes(value)], _fill_bytes, bytearray, same=operator.eq),
    collections.OrderedDict: Kind(
        lambda value: _pairs(value.items()),
        _fill_ordered,
        collections.OrderedDict,
    ),
    collections.Counter: Kind(
        lambda value: _pairs(value.items()), _fill_mapping, collections.Counter
    ),
    collections.defaultdict: Kind(
        lambda value: _pairs(value.items()),
        _fill_mapping,
        collections.defaultdict,
        lambda value: [value.default_factory],
    ),
    collections.deque: Kind(
        list,
        _fill_sequence,
        lambda most: collections.deque(maxlen=most),
        lambda value: [value.maxlen],
    ),
    array.array: Kind(
        list, _fill_array, array.array, lambda value: [value.typecode], same=operator.eq
    ),
}
NAMED: Final[Mapping[str, Kind]] = {kind.__name__: found for kind, found in KINDS.items()}
NAMES: Final[Mapping[type, str]] = {kind: kind.__name__ for kind in KINDS}


ALONE: Final = 2
"""References of a value that only a table holds: that one, and the argument of `getrefcount`."""


@dataclass(slots=True)
class Held:
    """A container that both processes have."""

    value: Any
    kind: Kind
    seen: list[Any] | None
    """What was in it when the processes last agreed; None: it is being filled."""

    def changed(self) -> list[Any] | None:
        """What is in it now, if that has changed since."""
        if self.seen is None:
            return None
        now = self.kind.parts(self.value)
        if len(now) == len(self.seen) and all(map(self.kind.same, now, self.seen)):
            return None
        self.seen = now
        return now

    def fill(self, parts: list[Any]) -> None:
        """Give it other content, for which keys may have to ask the other process meanwhile."""
        self.seen = None
        self.kind.fill(self.value, parts)
        self.seen = self.kind.parts(self.value)


class Shared:
    """The containers that both processes have, by numbers.

    A list that crosses is one list from then on: each message tells what has changed in it. Each
    process numbers those that it sends first.
    """

    def __init__(self, first: int) -> None:
        """Begin without any.

        Args:
            first: 0 or 1, so that the two processes give different numbers.
        """
        self._next, self._parity = first, first
        self._held: dict[int, Held] = {}
        self._numbers: dict[int, int] = {}

    def number(self, value: object) -> int | None:
        """The number of a container; None: the other process does not have it."""
        return self._numbers.get(id(value))

    def send(self, value: Any) -> tuple[int, list[Any]]:
        """Number a container that the other process gets: the number, and what is in it."""
        kind = KINDS[type(value)]
        number, parts = self._next, kind.parts(value)
        self._next += 2
        self._keep(number, Held(value, kind, parts))
        return number, kind.made_of(value) + parts

    def take(self, number: object, value: Any) -> Held:
        """Keep a container that the other process has numbered.

        Raises:
            MalformedError: that number is not a new one of the other process.
        """
        if type(number) is not int or number in self._held or number % 2 == self._parity:
            raise MalformedError("a container without a number of its own")
        return self._keep(number, Held(value, KINDS[type(value)], None))

    def _keep(self, number: int, held: Held) -> Held:
        self._held[number] = held
        self._numbers[id(held.value)] = number
        return held

    def held(self, number: object) -> Held:
        """The container with a number.

        Raises:
            MalformedError: there is none.
        """
        if type(number) is not int or number not in self._held:
            raise MalformedError("a container that is not known")
        return self._held[number]

    def changes(self) -> Iterator[tuple[int, list[Any]]]:
        """The containers that have changed since the last message, with what is in them now."""
        for number, held in list(self._held.items()):
            now = held.changed()
            if now is not None:
                yield number, now

    def unused(self, count: Callable[[Any], int]) -> list[int]:
        """Forget the containers that nothing but this table refers to; return their numbers.

        Args:
            count: tells how many references a value has, its own included: `sys.getrefcount`.
        """
        found = []
        for number, held in list(self._held.items()):
            if held.seen is not None and count(held.value) == ALONE:
                found.append(number)
                self.forget(number)
        return found

    def forget(self, number: int) -> None:
        """Forget a container that the other process has forgotten."""
        held = self._held.pop(number, None)
        if held is not None:
            del self._numbers[id(held.value)]
