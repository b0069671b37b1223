"""Slots: addresses that were handed out for a path, where a client may write its bytes."""

from __future__ import annotations

import time
from typing import Final

from lake.errors import NotFoundError
from lake.server.catalog.database import Database
from lake.server.catalog.refs import Refs
from lake.server.catalog.validation import check_key

OFFER_SECONDS: Final = 86_400
"""Seconds for which an address that was handed out can be linked."""


class Slots:
    """The addresses that were handed out in one lake."""

    def __init__(self, database: Database, refs: Refs) -> None:
        """Work on a database; each address is for a branch of `refs`."""
        self._database = database
        self._refs = refs

    def offer(self, address: str, repository: str, branch: str, path: str) -> None:
        """Remember an address that was handed out for a path."""
        check_key(path)
        with self._database.change() as db:
            self._refs.get("branches", repository, branch)
            row = (address, repository, branch, path, int(time.time()))
            db.execute("INSERT INTO slots VALUES (?, ?, ?, ?, ?)", row)

    def is_offered(self, address: str, repository: str, branch: str, path: str) -> bool:
        """Whether an address was handed out for this path, not too long ago, and is not used."""
        row = self._database.connection.execute(
            "SELECT 1 FROM slots WHERE address = ? AND repository = ? AND branch = ? AND path = ? "
            "AND created > ?",
            (address, repository, branch, path, int(time.time()) - OFFER_SECONDS),
        ).fetchone()
        return row is not None

    def check(self, address: str) -> None:
        """Refuse an address that nothing can be linked from any more.

        Raises:
            NotFoundError: it was linked, or its repository is gone.
        """
        found = self._database.connection.execute(
            "SELECT 1 FROM slots WHERE address = ?", (address,)
        )
        if found.fetchone() is None:
            raise NotFoundError(f"{address} is not waiting for bytes: it was linked already")

    def use(self, address: str) -> None:
        """Use up an address, which can be linked once; to be called inside a change."""
        self._database.connection.execute("DELETE FROM slots WHERE address = ?", (address,))
