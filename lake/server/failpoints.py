"""Fault points: where a test ends this process as a power cut would, and nothing runs after.

`STEMMA_LAKE_FAULT` names a file. While that file holds the name of a point, or `name:3` for the
third time, the process kills itself with SIGKILL when it comes there. A test can so prepare a lake
on a running server and arm it for the one call that is to fail. Without the variable a point costs
one comparison.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Final

VARIABLE: Final = "STEMMA_LAKE_FAULT"


class Point(StrEnum):
    """Every step between a request and its answer after which a crash leaves something else."""

    UPLOAD_OPENED = "upload.opened"
    UPLOAD_HALF = "upload.half"
    UPLOAD_WRITTEN = "upload.written"
    UPLOAD_FLUSHED = "upload.flushed"
    LINK_HASHED = "link.hashed"
    OBJECT_TWIN = "object.twin"
    OBJECT_RENAMED = "object.renamed"
    OBJECT_KEPT = "object.kept"
    CHANGE_BEGUN = "change.begun"
    CHANGE_READY = "change.ready"
    CHANGE_COMMITTED = "change.committed"
    BLOCK_PUT = "block.put"
    COMMIT_WRITTEN = "commit.written"
    COMMIT_UNSTAGED = "commit.unstaged"
    COMMIT_MOVED = "commit.moved"
    GC_MARKED = "gc.marked"
    GC_FORGOTTEN = "gc.forgotten"
    GC_REMOVED = "gc.removed"
    GC_SWEPT = "gc.swept"


class _Orders:
    """Reads what the file says, and counts how often each point was passed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._passed: Counter[str] = Counter()

    def obey(self, point: Point) -> None:
        """Kill this process if the file says so."""
        try:
            name, _, count = self._file.read_text(encoding="utf-8").strip().partition(":")
        except FileNotFoundError:
            return
        if name == point:
            self._passed[name] += 1
            if self._passed[name] >= int(count or 1):
                os.kill(os.getpid(), signal.SIGKILL)


_place = os.environ.get(VARIABLE)
_orders: Final = _Orders(Path(_place)) if _place else None


def reach(point: Point) -> None:
    """Come to a point."""
    if _orders is not None:
        _orders.obey(point)
