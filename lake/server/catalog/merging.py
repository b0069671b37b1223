"""Three-way comparison by path: what a merge takes over, and where both sides changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lake.errors import ConflictError
from lake.server.catalog.diff import diff
from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.trees import Tree

STRATEGIES: Final = ("", "none", "source-wins", "dest-wins")


def three_dot(
    base: Tree, left: Tree, right: Tree, prefix: str, start: str, *, inclusive: bool
) -> Iterator[Difference]:
    """What the right side changed since the base and the left side lacks, conflicts marked."""
    changed = diff(base, left, prefix, start, inclusive=inclusive)
    ours = next(changed, None)
    for found in diff(base, right, prefix, start, inclusive=inclusive):
        while ours is not None and ours.path < found.path:
            ours = next(changed, None)
        other = ours if ours is not None and ours.path == found.path else None
        clash = other is not None and not _agree(other.right, found.right)
        if other is None or clash:
            yield Difference(found.path, found.left, found.right, conflict=clash)


def three_way(base: Tree, source: Tree, head: Tree, strategy: str) -> Tree:
    """The head with what the source changed since the base.

    Raises:
        ConflictError: both sides changed a path, and no strategy says who wins.
    """
    changed = {found.path: found for found in diff(base, head)}
    take: dict[str, Entry | None] = {}
    for found in diff(base, source):
        other = changed.get(found.path)
        if other is None:
            take[found.path] = found.right
        elif not _agree(other.right, found.right):
            if strategy in ("", "none"):
                raise ConflictError(f"conflict found: {found.path}")
            if strategy == "source-wins":
                take[found.path] = found.right
    return head.updated(take)


def _agree(left: Entry | None, right: Entry | None) -> bool:
    """Tell whether both sides ended with the same object, or both without one."""
    return left is right or (left is not None and left.same(right))
