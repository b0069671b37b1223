"""Walks through the graph of commits: the log, ancestors by number, the merge base.

Each takes a function that reads a commit by its id. A commit's generation is above that of its
parents, so a heap by generation visits every commit before its parents.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from threading import Lock
from typing import Final

from lake.errors import NotFoundError
from lake.server.catalog.commits import Commit

Read = Callable[[str], Commit]
_BOTH_SIDES: Final = 3
_MAX_PAUSED: Final = 16
"""Logs that are kept at the end of a page."""


def log(read: Read, start: Commit, *, first_parent: bool) -> Iterator[Commit]:
    """Commits reachable from a commit: by generation, then by creation, newest first."""
    heap = [_heap_item(start)]
    seen = {start.id}
    while heap:
        commit = heapq.heappop(heap)[3]
        yield commit
        for parent in commit.parents[: 1 if first_parent else None]:
            if parent not in seen:
                seen.add(parent)
                heapq.heappush(heap, _heap_item(read(parent)))


class PausedLogs:
    """Logs that stopped at the end of a page, so that the next page need not begin at the start.

    Commits never change, so the rest of a log stays right; where none is kept, the log starts anew.
    """

    def __init__(self) -> None:
        """Begin without logs."""
        self._paused: OrderedDict[Hashable, Iterator[Commit]] = OrderedDict()
        self._lock = Lock()

    def pause(self, key: Hashable, rest: Iterator[Commit]) -> None:
        """Keep the rest of a log; the oldest one is dropped."""
        with self._lock:
            self._paused[key] = rest
            if len(self._paused) > _MAX_PAUSED:
                self._paused.popitem(last=False)

    def resume(self, key: Hashable) -> Iterator[Commit] | None:
        """Take the rest of a log, if it is kept."""
        with self._lock:
            return self._paused.pop(key, None)


def step(read: Read, commit: Commit, sign: str, count: int) -> Commit:
    """An ancestor of a commit: `~n` is the n-th first parent, `^n` the n-th parent.

    Raises:
        NotFoundError: history does not go back that far.
    """
    for _ in range(count if sign == "~" else min(count, 1)):
        number = 1 if sign == "~" else count
        if len(commit.parents) < number:
            raise NotFoundError(f"commit {commit.id} has no parent {number}")
        commit = read(commit.parents[number - 1])
    return commit


def merge_base(read: Read, left: Commit, right: Commit) -> Commit:
    """The best common ancestor: the one of highest generation.

    Raises:
        NotFoundError: the histories have no common ancestor.
    """
    reached = {left.id: 1}
    reached[right.id] = reached.get(right.id, 0) | 2
    heap = [_heap_item(left), _heap_item(right)]
    heapq.heapify(heap)
    while heap:
        commit = heapq.heappop(heap)[3]
        if reached[commit.id] == _BOTH_SIDES:
            return commit
        for parent in commit.parents:
            sides = reached.get(parent, 0)
            if sides | reached[commit.id] != sides:
                reached[parent] = sides | reached[commit.id]
                heapq.heappush(heap, _heap_item(read(parent)))
    raise NotFoundError("the two refs have no common ancestor")


def _heap_item(commit: Commit) -> tuple[int, int, str, Commit]:
    return -commit.generation, -commit.created, commit.id, commit
