"""Values on their way between two processes: a flat table of nodes, as JSON.

A table has no nesting, so neither deep nor cyclic values need recursion, and two references to one
list stay one list. None, booleans, short integers and texts stand for themselves; any other value
is `[place]`, the place of its node in the table. A node is a list that begins with its kind.

Only values are made from a table, never code: numbers, texts, bytes, lists, tuples, dicts, sets and
the value types of the standard library that `value_types` names. What is neither goes through
`refer` and `resolve`, which the two processes have their own of.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from pipelines.sandbox.inside import containers, value_types
from pipelines.sandbox.inside.containers import Held, Shared
from pipelines.sandbox.inside.errors import MalformedError

Ref = Any
"""A scalar of JSON, or a list with the place of a node."""
Node = list[Any]

SHORT: Final = 1 << 53
"""Integers below it stand for themselves."""
UNSET: Final = object()
ERRORS: Final = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, ImportError)
"""What making a value of a hostile node may raise."""
SAME: Final = "same"
"""Kind of the node of a container that the other process has already."""
ALIVE: Final[list[Any]] = []
"""Values whose `id` must not be given to another."""


class Encoder:
    """Makes a table of values."""

    def __init__(self, refer: Callable[[Any, Encoder], Node], shared: Shared) -> None:
        """Begin an empty table.

        Args:
            refer: gives the node of a value that is not plain, or raises CrossingError.
            shared: the containers that both processes have.
        """
        self.nodes: list[Node] = []
        self._refer, self._shared = refer, shared
        self._places: dict[int, int] = {}
        self._values: list[Any] = []
        self._done = 0

    def add(self, value: Any) -> Ref:
        """Give a value a place in the table.

        Raises:
            CrossingError: it, or a part of it, cannot be sent.
        """
        ref = self.place(value)
        while self._done < len(self.nodes):
            self.nodes[self._done] = self._node(self._values[self._done])
            self._done += 1
        return ref

    def changes(self) -> list[Any]:
        """What has changed in the containers that both processes have: numbers with parts."""
        return [
            [number, [self.add(part) for part in parts]] for number, parts in self._shared.changes()
        ]

    def place(self, value: Any) -> Ref:
        """Reserve a place; its node is made by the `add` that is under way."""
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int and -SHORT < value < SHORT:
            return value
        place = self._places.get(id(value))
        if place is None:
            place = self._places[id(value)] = len(self.nodes)
            self.nodes.append([])
            self._values.append(value)
        return [place]

    def keep(self, value: Any) -> None:
        """Keep a value that is known by its `id` for good."""
        ALIVE.append(value)

    def _node(self, value: Any) -> Node:
        return self.content(value) or self._refer(value, self)

    def content(self, value: Any) -> Node | None:
        """The node of a plain value; None: it is not plain."""
        kind = type(value)
        if kind in value_types.LEAVES:
            return [kind.__name__, value_types.LEAVES[kind](value)]
        if kind in containers.KINDS:
            number = self._shared.number(value)
            if number is not None:
                return [SAME, number]
            number, parts = self._shared.send(value)
            return [containers.NAMES[kind], number, *map(self.place, parts)]
        if kind in value_types.APART:
            return [kind.__name__, *map(self.place, value_types.APART[kind](value))]
        key = value_types.named(kind)
        apart = value_types.LIBRARY.get(key)
        if apart is None or getattr(importlib.import_module(key[0]), key[1], None) is not kind:
            return None
        return [f"{key[0]}.{key[1]}", *map(self.place, apart(value))]


class Decoder:
    """Makes values from a table of the other process."""

    def __init__(
        self, nodes: object, resolve: Callable[[Node, Decoder], Any], shared: Shared
    ) -> None:
        """Take a table.

        Args:
            nodes: from JSON, whatever it is.
            resolve: makes what a node of an unknown kind stands for, or raises MalformedError; it
                may use `value` for parts of the node.
            shared: the containers that both processes have.

        Raises:
            MalformedError: it is not a table.
        """
        if not isinstance(nodes, list) or not all(map(_is_node, nodes)):
            raise MalformedError("a message without a table of values")
        self.nodes: list[Node] = nodes
        self._resolve, self._shared = resolve, shared
        self._values: list[Any] = [UNSET] * len(nodes)
        self._filled = False

    def value(self, ref: Ref) -> Any:
        """The value of a reference.

        Raises:
            MalformedError: there is none, or it cannot be made.
        """
        if not self._filled:
            self._filled = True
            try:
                self._fill()
            except (*ERRORS, OSError) as error:  # one of files: there is no such time zone
                raise MalformedError(
                    f"a value that cannot be made: {type(error).__name__}"
                ) from error
        return self._get(ref)

    def change(self, changes: object) -> None:
        """Make the changes of containers that both processes have.

        Raises:
            MalformedError: they are none.
        """
        if not isinstance(changes, list) or not all(map(_is_change, changes)):
            raise MalformedError("changes that are none")
        for number, parts in changes:
            held = self._shared.held(number)
            try:
                held.fill([self.value(part) for part in parts])
            except ERRORS as error:
                raise MalformedError("a change that cannot be made") from error

    def _get(self, ref: Ref) -> Any:
        if not isinstance(ref, list):
            return ref
        place = self._place(ref)
        if self._values[place] is UNSET:
            self._build(place)
        return self._values[place]

    def _place(self, ref: list[Any]) -> int:
        if len(ref) != 1 or type(ref[0]) is not int or not 0 <= ref[0] < len(self.nodes):
            raise MalformedError("a reference to no value")
        return int(ref[0])

    def _fill(self) -> None:
        """Make the containers empty, since they may hold themselves, then all else, then fill."""
        new: list[tuple[Held, list[Ref]]] = []
        for place, node in enumerate(self.nodes):
            if node[0] in containers.NAMED:
                kind = containers.NAMED[node[0]]
                first = kind.made_of is not containers.nothing
                parts = node[3:] if first else node[2:]
                self._values[place] = kind.make(self._get(node[2])) if first else kind.make()
                new.append((self._shared.take(node[1], self._values[place]), parts))
        for place in range(len(self.nodes)):
            if self._values[place] is UNSET:
                self._build(place)
        for held, parts in new:
            held.fill([self._get(part) for part in parts])

    def _build(self, place: int) -> None:
        """Make a value after its parts, without recursion."""
        stack, entered = [place], set()
        while stack:
            at = stack[-1]
            if self._values[at] is not UNSET:
                stack.pop()
                continue
            parts = [self._place(part) for part in self.nodes[at][1:] if isinstance(part, list)]
            missing = [part for part in parts if self._values[part] is UNSET]
            if missing and at in entered:
                raise MalformedError("a value that is a part of itself")
            if missing:
                entered.add(at)
                stack.extend(missing)
            else:
                self._values[at] = self._made(self.nodes[at])
                stack.pop()

    def _made(self, node: Node) -> Any:
        kind, parts = node[0], node[1:]
        if kind in value_types.READ:
            return value_types.READ[kind](*parts)
        if kind in value_types.MADE:
            return value_types.MADE[kind](*map(self._get, parts))
        if kind == SAME:
            return self._shared.held(*parts).value
        if kind in value_types.KINDS:
            module, name = value_types.KINDS[kind]
            return getattr(importlib.import_module(module), name)(*map(self._get, parts))
        return self._resolve(node, self)


def _is_node(node: object) -> bool:
    return isinstance(node, list) and bool(node) and isinstance(node[0], str)


def _is_change(change: object) -> bool:
    return isinstance(change, list) and [type(part) for part in change] == [int, list]
