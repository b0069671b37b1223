"""Three-way comparison by path: what a merge takes over, and which paths are in conflict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lake.errors import ConflictError
from lake.server.catalog.diff import diff
from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.trees import Tree

STRATEGIES: Final = ("", "none", "source-wins", "dest-wins")


class MergeConflictError(ConflictError, kind="conflict"):
    """Both sides changed a path, and no strategy says who wins."""


def three_dot(
    base: Tree, left: Tree, right: Tree, prefix: str, start: str, *, inclusive: bool
) -> Iterator[Difference]:
    """What the right side changed since the base and the left side lacks, conflicts marked."""
    left_changes = diff(base, left, prefix, start, inclusive=inclusive)
    ours = next(left_changes, None)
    for theirs in diff(base, right, prefix, start, inclusive=inclusive):
        while ours is not None and ours.path < theirs.path:
            ours = next(left_changes, None)
        other = ours if ours is not None and ours.path == theirs.path else None
        conflict = other is not None and not _agree(other.right, theirs.right)
        if other is None or conflict:
            yield Difference(theirs.path, theirs.left, theirs.right, conflict=conflict)


def three_way(base: Tree, source: Tree, head: Tree, strategy: str) -> Tree:
    """The head with what the source changed since the base.

    Raises:
        MergeConflictError: both sides changed a path, and no strategy says who wins.
    """
    head_changes = {ours.path: ours for ours in diff(base, head)}
    merged: dict[str, Entry | None] = {}
    for theirs in diff(base, source):
        ours = head_changes.get(theirs.path)
        if ours is None:
            merged[theirs.path] = theirs.right
        elif not _agree(ours.right, theirs.right):
            if strategy in ("", "none"):
                raise MergeConflictError(f"conflict found: {theirs.path}")
            if strategy == "source-wins":
                merged[theirs.path] = theirs.right
    return head.updated(merged)


def _agree(left: Entry | None, right: Entry | None) -> bool:
    """Whether both sides ended with the same object, or both without one."""
    return left is right or (left is not None and left.same(right))
