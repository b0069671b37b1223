"""Answers that were paid for, by request digest, and what every attempt cost.

One SQLite file in WAL mode. An answer is on disk before anybody sees it, so a killed run resumes
without paying twice; two processes may write at once, and of two answers to one request the first
one stays. Neither requests nor keys are stored here. When the file is removed, all requests are
sent again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from lake import polling, private
from pipelines.common.errors import ServiceError
from pipelines.llm import stored_values
from pipelines.llm.stored_values import BrokenAnswer, Spent
from pipelines.llm.values import Reply

FILE: Final = "answers.db"
BUSY_SECONDS: Final = 60.0
"""Seconds to wait for another process that writes."""
OF_A_RUN: Final = ("cached", "dollars_before")
"""Fields of a reply that are about one run, and are not stored."""
STORED: Final = tuple(each.name for each in fields(Reply) if each.name not in OF_A_RUN)
_BUSY_INTERVAL: Final = 0.005
_CHUNK: Final = 500
"""Digests in one query."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS answers (
    digest TEXT PRIMARY KEY, reply TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS broken (
    digest TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    dollars REAL, reason TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS broken_digest ON broken (digest);
CREATE TABLE IF NOT EXISTS broken_texts (
    digest TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS broken_texts_digest ON broken_texts (digest);
CREATE TABLE IF NOT EXISTS batches (
    token TEXT PRIMARY KEY, base_url TEXT NOT NULL, id TEXT, digests TEXT NOT NULL
) WITHOUT ROWID;
"""


class Cache:
    """An open cache; used by one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Wrap a connection in autocommit mode."""
        self._connection = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for what concerns all answers at once."""
        return self._connection

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Cache]:
        """Open the cache in a directory, which is made where it is missing.

        Raises:
            ServiceError: It cannot be read or written.
        """
        try:
            private.folder(folder)
            private.database(folder / FILE)
            connection = sqlite3.connect(folder / FILE, timeout=BUSY_SECONDS, isolation_level=None)
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise unusable(folder, error) from error
        try:
            yield cls(connection)
        except sqlite3.Error as error:
            raise unusable(folder, error) from error
        finally:
            connection.close()

    def answers(self, digests: Iterable[str], *, texts: bool = True) -> dict[str, Reply]:
        """Return the stored answers by digest, marked as cached.

        Args:
            digests: Of the requests.
            texts: Whether with their texts, which are large where they are pictures; else they are
                empty.

        Raises:
            sqlite3.DataError: An answer is damaged. It was paid for, so the user decides whether it
                is paid for again.
        """
        reply = (
            "reply"
            if texts
            else "CASE WHEN json_valid(reply) THEN json_set(reply, '$.text', '') ELSE reply END"
        )
        rows = self._rows(f"SELECT digest, {reply} FROM answers WHERE digest IN", digests)  # noqa: S608  no input
        return {digest: stored_values.reply(digest, text) for digest, text in rows}

    def keep(self, reply: Reply) -> Reply:
        """Store an answer with the cost of earlier broken ones; return the one that is stored."""
        with self.change():
            return self.insert(reply)

    def insert(self, reply: Reply) -> Reply:
        """Store an answer as part of a change; as `keep`."""
        digest = reply.digest
        stored = self.answers([digest]).get(digest)
        if stored is not None:  # another process was faster; this one was paid too
            cost = reply.tokens_in, reply.tokens_out, reply.dollars
            self.insert_broken(digest, *cost, "late")
            return stored
        broken = self.spent([digest]).get(digest, Spent())
        priced = reply.dollars is not None and broken.dollars is not None
        total = replace(
            reply,
            tokens_in=reply.tokens_in + broken.tokens_in,
            tokens_out=reply.tokens_out + broken.tokens_out,
            dollars=(reply.dollars or 0) + (broken.dollars or 0) if priced else None,
        )
        content = {name: getattr(total, name) for name in STORED}
        self._connection.execute("INSERT INTO answers VALUES (?, ?)", (digest, json.dumps(content)))
        return total

    def broke(
        self, digest: str, tokens_in: int, tokens_out: int, dollars: float | None, reason: str
    ) -> None:
        """Record an attempt that was billed and gave no answer."""
        with self.change():
            self.insert_broken(digest, tokens_in, tokens_out, dollars, reason)

    def spent(self, digests: Iterable[str]) -> dict[str, Spent]:
        """Return the cost of broken answers, by digest.

        Raises:
            sqlite3.DataError: A stored cost is damaged.
        """
        rows = self._rows(
            "SELECT digest, sum(tokens_in), sum(tokens_out), "
            "CASE WHEN count(dollars) = count(*) THEN sum(dollars) END FROM broken WHERE digest IN",
            digests,
            "GROUP BY digest",
        )
        return {digest: stored_values.spent(*costs) for digest, *costs in rows}

    def begin_batch(self, token: str, base_url: str, digests: Sequence[str]) -> None:
        """Store that a batch will be made, before it is."""
        row = (token, base_url, json.dumps(list(digests)))
        self._connection.execute("INSERT INTO batches VALUES (?, ?, NULL, ?)", row)

    def name_batch(self, token: str, batch: str) -> None:
        """Store the service's id of a batch."""
        self._connection.execute("UPDATE batches SET id = ? WHERE token = ?", (batch, token))

    def end_batch(self, token: str, left: Iterable[str]) -> None:
        """Forget a batch, except for the digests whose answers have not been collected yet."""
        digests = sorted(left)
        if digests:
            row = (json.dumps(digests), token)
            self._connection.execute("UPDATE batches SET digests = ? WHERE token = ?", row)
        else:
            self._connection.execute("DELETE FROM batches WHERE token = ?", (token,))

    def forget_batch(self, batch: str) -> None:
        """Forget a batch that the service refused or does not know."""
        self._connection.execute("DELETE FROM batches WHERE id = ?", (batch,))

    def batches(self, base_url: str) -> list[tuple[str, str | None, tuple[str, ...]]]:
        """Return the unfinished batches at a service: our token, its id if known, its digests.

        Raises:
            sqlite3.DataError: A stored batch is damaged.
        """
        rows = self._connection.execute(
            "SELECT token, id, digests FROM batches WHERE base_url = ?", (base_url,)
        )
        return [
            (token, batch, stored_values.listed(batch, digests)) for token, batch, digests in rows
        ]

    def broken(self, digests: Iterable[str]) -> dict[str, list[BrokenAnswer]]:
        """Return the broken answers by digest, in the order in which they came.

        Raises:
            sqlite3.DataError: A stored answer is damaged.
        """
        rows = self._rows(
            "SELECT digest, reason, text FROM broken_texts WHERE digest IN",
            digests,
            "ORDER BY rowid",
        )
        found: dict[str, list[BrokenAnswer]] = {}
        for digest, reason, text in rows:
            if not isinstance(reason, str) or not isinstance(text, str):
                raise sqlite3.DataError("a broken answer is damaged")
            found.setdefault(digest, []).append(BrokenAnswer(reason, text))
        return found

    def insert_broken_text(self, digest: str, broken: BrokenAnswer) -> None:
        """Store a broken answer as part of a change."""
        self._connection.execute("INSERT INTO broken_texts VALUES (?, ?, ?)", (digest, *broken))

    def insert_broken(
        self, digest: str, tokens_in: int, tokens_out: int, dollars: float | None, reason: str
    ) -> None:
        """Record a billed attempt as part of a change; as `broke`."""
        row = (digest, tokens_in, tokens_out, dollars, reason)
        self._connection.execute("INSERT INTO broken VALUES (?, ?, ?, ?, ?)", row)

    def _rows(self, select: str, digests: Iterable[str], end: str = "") -> list[tuple[Any, ...]]:
        wanted = list(digests)
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            rows += self._connection.execute(f"{select} ({marks}) {end}", chunk)
        return rows

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make several changes with one flush to disk, all of them or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL mode on; SQLite itself does not wait for another process that does so at once."""

    def is_busy(error: Exception) -> bool:
        code = getattr(error, "sqlite_errorcode", None)
        return isinstance(error, sqlite3.OperationalError) and code == sqlite3.SQLITE_BUSY

    polling.repeat(
        lambda: connection.execute("PRAGMA journal_mode = WAL"),
        on=is_busy,
        interval=_BUSY_INTERVAL,
        timeout=BUSY_SECONDS,
    )


def answered(folder: Path, digests: Iterable[str]) -> set[str]:
    """Return the digests that have an answer in a cache; none where there is no cache."""
    if not (folder / FILE).exists():
        return set()
    with Cache.open(folder) as cache:
        return set(cache.answers(digests, texts=False))


def read(folder: Path, digests: Iterable[str]) -> Iterator[Reply]:
    """Yield stored answers one by one, in order, so that one is in memory at a time.

    Raises:
        ServiceError: The cache cannot be read, or an answer is gone.
    """
    with Cache.open(folder) as cache:
        for digest in digests:
            found = cache.answers([digest]).get(digest)
            if found is None:
                gone = sqlite3.DataError(f"the answer to {digest[:12]} is gone")
                raise unusable(folder, gone)
            yield found


def broken_answers(folder: Path, digests: Iterable[str]) -> dict[str, list[BrokenAnswer]]:
    """Return the broken answers in a cache by digest; none where there is no cache."""
    if not (folder / FILE).exists():
        return {}
    with Cache.open(folder) as cache:
        return cache.broken(digests)


def unusable(folder: Path, error: Exception) -> ServiceError:
    """Return the error that says that answers cannot be kept."""
    return ServiceError(
        f"answers cannot be kept in {folder} ({error}): make room or make it writable; a damaged "
        f"{FILE} may be removed, after which all requests are sent again"
    )
