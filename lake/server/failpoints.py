"""Failpoints: where a test ends this process as a power cut would, and nothing runs afterwards.

`STEMMA_LAKE_FAULT` names a file. While that file holds the name of a failpoint, or `name:3` for the
third time, the process kills itself with SIGKILL when it hits that failpoint. A test can so prepare
a lake on a running server and arm it for the one call that is to fail. Without the variable a
failpoint costs one comparison.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Final

VARIABLE: Final = "STEMMA_LAKE_FAULT"


class Failpoint(StrEnum):
    """Every step between a request and its response after which a crash leaves another state."""

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
    PURGE_LINKED = "purge.linked"
    PURGE_MARKED = "purge.marked"
    PURGE_REMOVED = "purge.removed"
    PURGE_SWEPT = "purge.swept"


class _Trigger:
    """Counts how often each failpoint was hit, and kills the process where its file says so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hits: Counter[str] = Counter()

    def hit(self, failpoint: Failpoint) -> None:
        """Kill this process if the file names this failpoint and this count."""
        try:
            name, _, count = self._path.read_text(encoding="utf-8").strip().partition(":")
        except FileNotFoundError:
            return
        if name == failpoint:
            self._hits[name] += 1
            if self._hits[name] >= int(count or 1):
                os.kill(os.getpid(), signal.SIGKILL)


_path = os.environ.get(VARIABLE)
_trigger: Final = _Trigger(Path(_path)) if _path else None


def hit(failpoint: Failpoint) -> None:
    """Pass a failpoint, which ends this process where a test has armed it."""
    if _trigger is not None:
        _trigger.hit(failpoint)
