"""What differs between two trees, in the order of paths, from anywhere on.

Both trees are walked side by side. Blocks that come next on both sides and are equal are passed
over unopened; of two that differ, the one of the higher level is opened first. So a page of a diff
costs what it holds and the depth of the trees, wherever it begins.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, Final

from lake.server.catalog.entries import Difference, unpack
from lake.server.catalog.trees import EMPTY, Tree, parse

_ENDED: Final = -1


class Side:
    """What is still to come of one tree: blocks not opened yet, and what is left of a leaf."""

    def __init__(self, tree: Tree, start: str) -> None:
        """Begin at a key."""
        self._blocks = tree.blocks
        self._start = start
        self._waiting: list[tuple[int, str]] = []
        self._keys: list[str] = []
        self._values: list[Any] = []
        if tree.root != EMPTY:
            self._enter(tree.root)

    @property
    def level(self) -> int:
        """Level of the next block; -1 when there is none."""
        return self._waiting[-1][0] if self._waiting else _ENDED

    @property
    def last(self) -> str | None:
        """Last key of the leaf that is open, if one is."""
        return self._keys[-1] if self._keys else None

    def pass_over(self, other: Side) -> bool:
        """Leave out the next block of both sides if it is the same; tell whether it was."""
        if not self._waiting or self._waiting[-1:] != other._waiting[-1:]:
            return False
        self._waiting.pop()
        other._waiting.pop()
        return True

    def open(self) -> None:
        """Open the next block."""
        self._enter(self._waiting.pop()[1])

    def open_leaf(self) -> None:
        """Open blocks until a leaf is open or none is left."""
        while not self._keys and self._waiting:
            self.open()

    def take(self, last: str) -> dict[str, Any]:
        """Take what the open leaf holds up to a key."""
        stop = bisect_right(self._keys, last)
        taken = dict(zip(self._keys[:stop], self._values[:stop], strict=True))
        self._keys, self._values = self._keys[stop:], self._values[stop:]
        return taken

    def _enter(self, block: str) -> None:
        node = parse(self._blocks.get(block))
        first = bisect_left(node.keys, self._start)
        if node.level == 0:
            self._keys, self._values = node.keys[first:], node.values[first:]
        else:
            below = node.level - 1
            self._waiting.extend((below, child) for child in reversed(node.values[first:]))


def diff(
    left: Tree, right: Tree, prefix: str = "", start: str = "", *, inclusive: bool = True
) -> Iterator[Difference]:
    """Paths under a prefix whose entries differ, in order, from `start` on."""
    for path, ours, theirs in _unequal(left, right, max(prefix, start)):
        if not path.startswith(prefix):
            return
        if path == start and not inclusive:
            continue
        before = unpack(ours) if ours is not None else None
        now = unpack(theirs) if theirs is not None else None
        if before is None or not before.same(now):
            yield Difference(path, before, now)


def _unequal(left: Tree, right: Tree, start: str) -> Iterator[tuple[str, Any, Any]]:
    """Keys from `start` on with the packed entries of both sides, where these are not the same."""
    if left.root == right.root:
        return
    ours, theirs = Side(left, start), Side(right, start)
    while True:
        if ours.last is not None or theirs.last is not None:
            yield from _leaves(ours, theirs)
        elif not ours.pass_over(theirs):
            top = max(ours.level, theirs.level)
            if top == _ENDED:
                return
            for side in (ours, theirs):
                if side.level == top:
                    side.open()


def _leaves(ours: Side, theirs: Side) -> Iterator[tuple[str, Any, Any]]:
    """Compare what is open on both sides, as far as both reach."""
    ours.open_leaf()
    theirs.open_leaf()
    last = min(side.last for side in (ours, theirs) if side.last is not None)
    before, now = ours.take(last), theirs.take(last)
    for key in sorted(before.keys() | now.keys()):
        if (one := before.get(key)) != (other := now.get(key)):
            yield key, one, other
