"""Objects that are on disk and that the catalog does not name yet: the collector leaves them.

An object is stored first and staged in a transaction afterwards. Between the two nothing refers to
it, so whoever stores holds it, and lets go when it is staged or given up. A collection also leaves
what was held at any time since it began: it has looked at the catalog before that was staged.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import ConflictError


class Holds:
    """What the requests of this process hold."""

    def __init__(self) -> None:
        """Begin with nothing held."""
        self._guard = threading.Lock()
        self._held: Counter[str] = Counter()
        self._since: set[str] | None = None

    def hold(self, sha256: str) -> None:
        """Keep an object from the collector; to be called before looking whether it is there."""
        with self._guard:
            self._held[sha256] += 1
            if self._since is not None:
                self._since.add(sha256)

    def free(self, sha256: str) -> None:
        """Let go of an object: the catalog names it now, or nobody wants it."""
        with self._guard:
            self._held[sha256] -= 1
            if self._held[sha256] <= 0:
                del self._held[sha256]

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Remember what is held from now on.

        Raises:
            ConflictError: a collection is under way.
        """
        with self._guard:
            if self._since is not None:
                raise ConflictError("a garbage collection of this lake is under way: wait for it")
            self._since = set(self._held)
        try:
            yield
        finally:
            with self._guard:
                self._since = None

    def remove(self, sha256: str, file: Path) -> bool:
        """Remove an object's file during a collection, unless somebody held it since."""
        with self._guard:
            if self._since is None or sha256 in self._since:
                return False
            file.unlink(missing_ok=True)
            return True
