"""Differences between two trees, in order of their paths, from any path on.

Both trees are walked side by side. Blocks that come next on both sides and are equal are skipped
unopened; of two that differ, the one of the higher level is opened first. So a page of a diff
costs what it holds and the depth of the trees, wherever it begins.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, Final

from lake.server.catalog.entries import Difference
from lake.server.catalog.trees import EMPTY, Tree, parse

_AT_END: Final = -1


class TreeCursor:
    """A position in one tree: blocks that are not opened yet, and the rest of an open leaf."""

    def __init__(self, tree: Tree, start: str) -> None:
        """Begin at a key."""
        self._blocks = tree.blocks
        self._start = start
        self._unopened: list[tuple[int, str]] = []
        self._keys: list[str] = []
        self._values: list[Any] = []
        if tree.root != EMPTY:
            self._enter(tree.root)

    @property
    def level(self) -> int:
        """Level of the next block; -1 when there is none."""
        return self._unopened[-1][0] if self._unopened else _AT_END

    @property
    def last(self) -> str | None:
        """Last key of the leaf that is open, if one is."""
        return self._keys[-1] if self._keys else None

    def skip_equal(self, other: TreeCursor) -> bool:
        """Skip the next block of both sides if it is the same; return whether it was."""
        if not self._unopened or self._unopened[-1:] != other._unopened[-1:]:
            return False
        self._unopened.pop()
        other._unopened.pop()
        return True

    def open(self) -> None:
        """Open the next block."""
        self._enter(self._unopened.pop()[1])

    def open_leaf(self) -> None:
        """Open blocks until a leaf is open or none is left."""
        while not self._keys and self._unopened:
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
            self._unopened.extend((below, child) for child in reversed(node.values[first:]))


def diff(
    left: Tree, right: Tree, prefix: str = "", start: str = "", *, inclusive: bool = True
) -> Iterator[Difference]:
    """Paths under a prefix whose entries differ, in order, from `start` on."""
    for path, ours, theirs in _unequal_entries(left, right, max(prefix, start)):
        if not path.startswith(prefix):
            return
        if path == start and not inclusive:
            continue
        before = left.blocks.unpack(ours) if ours is not None else None
        after = right.blocks.unpack(theirs) if theirs is not None else None
        if before is None or not before.same(after):
            yield Difference(path, before, after)


def _unequal_entries(left: Tree, right: Tree, start: str) -> Iterator[tuple[str, Any, Any]]:
    """Keys from `start` on with the packed entries of both sides, where these differ."""
    if left.root == right.root:
        return
    ours, theirs = TreeCursor(left, start), TreeCursor(right, start)
    while True:
        if ours.last is not None or theirs.last is not None:
            yield from _unequal_in_leaves(ours, theirs)
        elif not ours.skip_equal(theirs):
            top = max(ours.level, theirs.level)
            if top == _AT_END:
                return
            for side in (ours, theirs):
                if side.level == top:
                    side.open()


def _unequal_in_leaves(ours: TreeCursor, theirs: TreeCursor) -> Iterator[tuple[str, Any, Any]]:
    """Compare the open leaves of both sides, up to the last key that both cover."""
    ours.open_leaf()
    theirs.open_leaf()
    last = min(side.last for side in (ours, theirs) if side.last is not None)
    before, after = ours.take(last), theirs.take(last)
    for key in sorted(before.keys() | after.keys()):
        if (old := before.get(key)) != (new := after.get(key)):
            yield key, old, new
