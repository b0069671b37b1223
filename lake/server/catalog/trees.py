"""Trees of paths as content-addressed blocks (prolly trees).

A leaf block holds sorted entries, an inner block the last key and id of each child. A block ends at
a key whose hash says so, at every level, so the shape depends on the keys alone and not on their
history. Equal parts of two trees are then equal blocks: a commit writes the blocks on the paths
that changed, and a diff never opens blocks that both sides share.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from operator import lt
from typing import Any, Final, Protocol

from pydantic_core import from_json, to_json

from lake.errors import CorruptError
from lake.server.catalog.entries import Entry, Packed, is_packed

EMPTY: Final = ""
FANOUT: Final = 64
"""Mean number of keys in a block."""
MAX_LEVEL: Final = 64
"""Highest level of a block; each has many times fewer blocks than the one below it."""


_SALTED: Final = tuple(
    hashlib.blake2b(digest_size=4, salt=level.to_bytes(2, "big")) for level in range(MAX_LEVEL + 2)
)
"""The hash that ends blocks of each level, before a key is added."""


class BlockStore(Protocol):
    """Where blocks are stored."""

    def get(self, block: str) -> bytes:
        """Bytes of a block."""

    def put(self, block: str, data: bytes) -> None:
        """Store a block; one that is there already stays."""

    @property
    def unpack(self) -> Callable[[Packed], Entry]:
        """Reads an entry; where its object is purged, that of the cleaned one."""


class Node:
    """A parsed block: its level (0 is a leaf), sorted keys, and packed entries or child ids."""

    __slots__ = ("keys", "level", "values")

    def __init__(self, level: int, keys: list[str], values: list[Any]) -> None:
        """Hold what `parse` has read."""
        self.level = level
        self.keys = keys
        self.values = values


@lru_cache(maxsize=4096)
def parse(data: bytes) -> Node:
    """Read a block.

    Raises:
        CorruptError: it is not a block, although its digest is right.
    """
    try:
        level, keys, values = from_json(data)
        valid = _is_block(level, keys, values)
    except (ValueError, TypeError, RecursionError):
        valid = False
    if not valid:
        raise CorruptError("a block of the lake's catalog holds no part of a tree: restore a copy")
    return Node(level, keys, values)


def _is_block(level: object, keys: object, values: object) -> bool:
    """Whether these can be a block's: a level, keys in order, and a fitting value for each."""
    if type(level) is not int or not 0 <= level <= MAX_LEVEL:
        return False
    if not isinstance(keys, list) or not isinstance(values, list) or len(keys) != len(values):
        return False
    "".join(keys).encode()  # texts, without halves of surrogate pairs
    ordered = bool(keys) and all(map(lt, keys, keys[1:]))
    return ordered and all(map(is_packed if level == 0 else _is_id, values))


def _is_id(value: object) -> bool:
    return type(value) is str and value != EMPTY


def ends_block(key: str, level: int) -> bool:
    """Whether a block ends with this key: one in `FANOUT` does."""
    hashed = _SALTED[level].copy()
    hashed.update(key.encode())
    return int.from_bytes(hashed.digest(), "big") % FANOUT == 0


class Tree:
    """One version of all paths: a root block in a store of blocks."""

    def __init__(self, blocks: BlockStore, root: str) -> None:
        """Bind a root; the empty tree is `EMPTY`."""
        self.blocks = blocks
        self.root = root

    def get(self, path: str) -> Entry | None:
        """The entry under a path."""
        node = self._node(self.root)
        while node is not None:
            index = bisect_left(node.keys, path)
            if index == len(node.keys):
                return None
            if node.level == 0:
                return self.blocks.unpack(node.values[index]) if node.keys[index] == path else None
            node = self._node(node.values[index])
        return None

    def items(self, start: str = "", *, inclusive: bool = True) -> Iterator[tuple[str, Entry]]:
        """Paths from `start` on, with their entries, in order."""
        yield from self._items(self._node(self.root), start, inclusive=inclusive)

    def _items(
        self, node: Node | None, start: str, *, inclusive: bool
    ) -> Iterator[tuple[str, Entry]]:
        if node is None:
            return
        first = (bisect_left if inclusive else bisect_right)(node.keys, start)
        if node.level == 0:
            entries = map(self.blocks.unpack, node.values[first:])
            yield from zip(node.keys[first:], entries, strict=True)
            return
        for child in node.values[first:]:
            yield from self._items(self._node(child), start, inclusive=inclusive)

    def updated(self, changes: Mapping[str, Entry | None]) -> Tree:
        """The tree after changes: an entry to set, None to remove."""
        return self.updated_packed(
            {path: entry.pack() if entry else None for path, entry in changes.items()}
        )

    def updated_packed(self, changes: Mapping[str, Packed | None]) -> Tree:
        """The tree after changes: the packed form of an entry to set, None to remove."""
        pending: dict[str, Any] = dict(changes)
        top = self._node(self.root)
        level = 0
        while pending and top is not None and level <= top.level:
            pending = self._update_level(level, pending)
            level += 1
        if not pending:
            return self
        return Tree(self.blocks, self._grow(top, level, pending))

    def _update_level(self, level: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change one level; return what that changes one level up (last key: block id or None)."""
        up: dict[str, Any] = {}
        keys = sorted(changes)
        done = 0
        while done < len(keys):
            located = self._locate(level, keys[done], after=False)
            merged: dict[str, Any] = {}
            while located is not None:
                last, node = located
                up[last] = None
                located = self._locate(level, last, after=True)
                stop = len(keys) if located is None else bisect_right(keys, last, done)
                merged.update(zip(node.keys, node.values, strict=True))
                merged.update((key, changes[key]) for key in keys[done:stop])
                done = stop
                present = [key for key, value in merged.items() if value is not None]
                if not present or ends_block(max(present), level):
                    break
            up.update(self._write(level, merged))
        return up

    def _grow(self, top: Node | None, level: int, changes: Mapping[str, Any]) -> str:
        """Build levels above the old root until one block is left; return its id."""
        refs: dict[str, Any] = {top.keys[-1]: self.root} if top is not None else {}
        refs.update(changes)
        refs = {key: value for key, value in refs.items() if value is not None}
        while refs and (level == 0 or len(refs) > 1):
            refs = self._write(level, refs)
            level += 1
        if not refs:
            return EMPTY
        root = str(next(iter(refs.values())))
        node = self._node(root)
        while node is not None and node.level > 0 and len(node.keys) == 1:
            root = str(node.values[0])
            node = self._node(root)
        return root

    def _write(self, level: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """Cut sorted content into blocks and store them; return last key and id of each."""
        written: dict[str, Any] = {}
        keys: list[str] = []
        for key in sorted(key for key, value in content.items() if value is not None):
            keys.append(key)
            if ends_block(key, level):
                written[key] = self._store(level, keys, content)
                keys = []
        if keys:
            written[keys[-1]] = self._store(level, keys, content)
        return written

    def _store(self, level: int, keys: list[str], content: Mapping[str, Any]) -> str:
        data = to_json([level, keys, [content[key] for key in keys]])
        block = hashlib.sha256(data).hexdigest()
        self.blocks.put(block, data)
        return block

    def _locate(self, level: int, key: str, *, after: bool) -> tuple[str, Node] | None:
        """The node of a level that covers a key (the last one beyond the end), or the one after."""
        node = self._node(self.root)
        if node is None or (after and node.keys[-1] <= key):
            return None
        while node.level > level:
            index = (bisect_right if after else bisect_left)(node.keys, key)
            child = self._node(node.values[min(index, len(node.keys) - 1)])
            if child is None:  # an inner block never refers to the empty tree
                return None
            node = child
        return node.keys[-1], node

    def _node(self, block: str) -> Node | None:
        return parse(self.blocks.get(block)) if block != EMPTY else None
