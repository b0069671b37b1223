"""Group commits: one flush of the log for all changes that wait for one.

SQLite would flush its log inside of every transaction, one after the other. Here a transaction ends
without, the next writer begins, and whoever comes first flushes the log for all that have ended
until then; the others wait for that flush, or for the one after it. None returns before its own
change is on disk. A reader may see a change a moment before that, as every later change stands
behind it in the log.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from lake.errors import FullError


class GroupFlush:
    """The log of one catalog: which changes are in it, and which of them are on disk."""

    def __init__(self, log: Path) -> None:
        """Begin without changes; `log` is the file that they are appended to."""
        self._log = log
        self._turn = threading.Condition()
        self._ended = 0
        self._flushed = 0
        self._is_flushing = False
        self._failure = ""

    def check(self) -> None:
        """Refuse further changes after a flush that failed: nobody knows what is on disk.

        Raises:
            FullError: one has.
        """
        if self._failure:
            raise FullError(
                f"the lake's catalog could not be flushed to disk ({self._failure}): "
                "make sure of the disk, then start the lake again"
            )

    def fail(self, reason: str) -> None:
        """Take no further change, since the log, or what it was taken over to, is not on disk."""
        with self._turn:
            self._failure = self._failure or reason

    def ended(self) -> int:
        """Count a change that is in the log; return its number. One thread at a time calls this."""
        self._ended += 1
        return self._ended

    @property
    def newest(self) -> int:
        """The number of the change that was counted last."""
        return self._ended

    def wait(self, number: int) -> None:
        """Return when a change and all before it are on disk.

        Raises:
            FullError: they cannot be flushed.
        """
        with self._turn:
            while self._is_flushing and self._flushed < number:
                self._turn.wait()
            self.check()
            if self._flushed >= number:
                return
            self._is_flushing = True
        self._flush()
        self.check()

    def _flush(self) -> None:
        covered, failure = self._ended, "it was interrupted"
        try:
            handle = os.open(self._log, os.O_RDWR | os.O_CLOEXEC)
            try:
                os.fdatasync(handle)
            finally:
                os.close(handle)
            failure = ""
        except OSError as error:
            failure = error.strerror or str(error)
        finally:  # whatever happened, nobody waits for this flush any more
            with self._turn:
                self._failure = self._failure or failure
                self._flushed = self._flushed if failure else covered
                self._is_flushing = False
                self._turn.notify_all()
