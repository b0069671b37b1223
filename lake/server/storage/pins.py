"""Pins: objects that are on disk before the catalog names them, and that the collector leaves.

An object is stored first and staged in a transaction afterwards. Between the two nothing refers to
it, so whoever stores it pins it, and unpins it when it is staged or given up. A collection also
leaves what was pinned at any time since it began: it has read the catalog before that was staged.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import ConflictError


class Pins:
    """The objects that requests of this process have pinned."""

    def __init__(self) -> None:
        """Begin without pins."""
        self._guard = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._since_begin: set[str] | None = None

    def pin(self, sha256: str) -> None:
        """Keep an object from the collector; to be called before looking whether it is there."""
        with self._guard:
            self._counts[sha256] += 1
            if self._since_begin is not None:
                self._since_begin.add(sha256)

    def unpin(self, sha256: str) -> None:
        """Undo one `pin`: the catalog names the object now, or it is given up."""
        with self._guard:
            self._counts[sha256] -= 1
            if self._counts[sha256] <= 0:
                del self._counts[sha256]

    @contextmanager
    def releasing(self, sha256: str) -> Iterator[None]:
        """Unpin an object when the block ends, whether what names it was changed or not."""
        try:
            yield
        finally:
            self.unpin(sha256)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Remember what is pinned from now on.

        Raises:
            ConflictError: a collection is under way.
        """
        with self._guard:
            if self._since_begin is not None:
                raise ConflictError("a garbage collection of this lake is under way: wait for it")
            self._since_begin = set(self._counts)
        try:
            yield
        finally:
            with self._guard:
                self._since_begin = None

    def remove(self, sha256: str, path: Path) -> bool:
        """Remove an object's file during a collection, unless it was pinned since that began."""
        with self._guard:
            if self._since_begin is None or sha256 in self._since_begin:
                return False
            path.unlink(missing_ok=True)
            return True
