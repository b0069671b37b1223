"""Uncommitted changes of a branch over its tree: entries to set, None where a path was removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.trees import Tree


def overlay(
    staged: Iterable[tuple[str, Entry | None]], committed: Iterable[tuple[str, Entry]]
) -> Iterator[tuple[str, Entry]]:
    """Lay staged changes over committed entries; both come in order of their paths."""
    rest = iter(committed)
    item = next(rest, None)
    for path, entry in staged:
        while item is not None and item[0] < path:
            yield item
            item = next(rest, None)
        if item is not None and item[0] == path:
            item = next(rest, None)
        if entry is not None:
            yield path, entry
    if item is not None:
        yield item
        yield from rest


def uncommitted(staged: Iterable[tuple[str, Entry | None]], tree: Tree) -> Iterator[Difference]:
    """The staged changes that make a difference to the committed tree."""
    for path, entry in staged:
        committed = tree.get(path)
        if committed is None and entry is None:
            continue
        if committed is None or not committed.same(entry):
            yield Difference(path, committed, entry)
