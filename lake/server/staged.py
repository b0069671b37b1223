"""Uncommitted changes of a branch over its tree: entries to set, None where a path was removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lake.server.entries import Difference, Entry
from lake.server.trees import Tree


def laid_over(
    staged: Mapping[str, Entry | None], tree: Tree, start: str, *, inclusive: bool
) -> Iterator[tuple[str, Entry]]:
    """Paths from `start` on, in order; `staged` is sorted by path."""
    fresh = [key for key in staged if key > start or (inclusive and key == start)]
    at = 0
    for path, entry in tree.items(start, inclusive=inclusive):
        while at < len(fresh) and fresh[at] < path:
            if (new := staged[fresh[at]]) is not None:
                yield fresh[at], new
            at += 1
        if at < len(fresh) and fresh[at] == path:
            if (new := staged[path]) is not None:
                yield path, new
            at += 1
        else:
            yield path, entry
    yield from ((key, new) for key in fresh[at:] if (new := staged[key]) is not None)


def uncommitted(staged: Mapping[str, Entry | None], tree: Tree) -> Iterator[Difference]:
    """The staged changes that make a difference to the committed tree."""
    for path, entry in staged.items():
        before = tree.get(path)
        if before is None and entry is None:
            continue
        if before is None or not before.same(entry):
            yield Difference(path, before, entry)
