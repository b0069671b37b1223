"""Uncommitted changes of a branch over its tree: entries to set, None where a path was removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.trees import Tree


def overlay(
    staged: Iterable[tuple[str, Entry | None]], committed: Iterable[tuple[str, Entry]]
) -> Iterator[tuple[str, Entry]]:
    """Lay staged changes over committed entries; both come in order of their paths."""
    changes = iter(staged)
    change = next(changes, None)
    for path, entry in committed:
        while change is not None and change[0] < path:
            if change[1] is not None:
                yield change[0], change[1]
            change = next(changes, None)
        if change is None or change[0] != path:
            yield path, entry
            continue
        if change[1] is not None:
            yield path, change[1]
        change = next(changes, None)
    while change is not None:
        if change[1] is not None:
            yield change[0], change[1]
        change = next(changes, None)


def uncommitted(staged: Iterable[tuple[str, Entry | None]], tree: Tree) -> Iterator[Difference]:
    """The staged changes that make a difference to the committed tree."""
    for path, entry in staged:
        committed = tree.get(path)
        if committed is None and entry is None:
            continue
        if committed is None or not committed.same(entry):
            yield Difference(path, committed, entry)
