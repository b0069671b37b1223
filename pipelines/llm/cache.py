"""Answers that were paid for, by request digest, and what every attempt cost.

One SQLite file in WAL mode. An answer is on disk before anybody sees it, so a killed run resumes
without paying twice; two processes may write at once, and of two answers to one request the first
one stays. Neither requests nor keys are kept here. Removing the file asks everything again.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from lake import documents, private
from lake.documents import DocumentError
from pipelines.common.errors import ServiceError
from pipelines.llm.values import Reply

FILE: Final = "answers.db"
PATIENCE: Final = 60.0
"""Seconds to wait for another process that writes."""
_CHUNK: Final = 500
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS answers (
    digest TEXT PRIMARY KEY, reply TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS broken (
    digest TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    dollars REAL, reason TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS broken_digest ON broken (digest);
CREATE TABLE IF NOT EXISTS batches (
    token TEXT PRIMARY KEY, base_url TEXT NOT NULL, id TEXT, digests TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What broken answers of a request have cost."""

    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0


class Cache:
    """An open cache; used by one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Wrap a connection in autocommit mode."""
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Cache]:
        """Open the cache in a directory, which is made where it is missing.

        Raises:
            ServiceError: it cannot be read or written.
        """
        try:
            private.folder(folder)
            private.database(folder / FILE)
            connection = sqlite3.connect(folder / FILE, timeout=PATIENCE, isolation_level=None)
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(folder, error) from error
        try:
            yield cls(connection)
        except sqlite3.Error as error:
            raise _unusable(folder, error) from error
        finally:
            connection.close()

    def answers(self, digests: Iterable[str]) -> dict[str, Reply]:
        """Answers by digest, marked as cached; what is not there is missing.

        Raises:
            sqlite3.DataError: one is damaged. It was paid for, so it is not asked again unsaid.
        """
        rows = self._rows("SELECT digest, reply FROM answers WHERE digest IN", digests)
        return {digest: _reply(digest, text) for digest, text in rows}

    def keep(self, reply: Reply) -> Reply:
        """Keep an answer at once, with the cost of earlier broken ones; say which one is kept."""
        with self._change():
            there = self.answers([reply.digest]).get(reply.digest)
            if there is not None:  # another process was faster; this one was paid too
                self._broken(reply.digest, reply.tokens_in, reply.tokens_out, reply.dollars, "late")
                return there
            before = self.spent([reply.digest]).get(reply.digest, Spent())
            known = reply.dollars is not None and before.dollars is not None
            whole = replace(
                reply,
                tokens_in=reply.tokens_in + before.tokens_in,
                tokens_out=reply.tokens_out + before.tokens_out,
                dollars=(reply.dollars or 0) + (before.dollars or 0) if known else None,
            )
            content = {name: value for name, value in asdict(whole).items() if name != "cached"}
            self._connection.execute(
                "INSERT INTO answers VALUES (?, ?)", (whole.digest, json.dumps(content))
            )
            return whole

    def broke(
        self, digest: str, tokens_in: int, tokens_out: int, dollars: float | None, reason: str
    ) -> None:
        """Record an attempt that was billed and gave no answer."""
        with self._change():
            self._broken(digest, tokens_in, tokens_out, dollars, reason)

    def spent(self, digests: Iterable[str]) -> dict[str, Spent]:
        """What broken answers have cost, by digest.

        Raises:
            sqlite3.DataError: what is written of it is damaged.
        """
        found = self._rows(
            "SELECT digest, sum(tokens_in), sum(tokens_out), "
            "CASE WHEN count(dollars) = count(*) THEN sum(dollars) END FROM broken WHERE digest IN",
            digests,
            "GROUP BY digest",
        )
        return {digest: _spent(*rest) for digest, *rest in found}

    def begin_batch(self, token: str, base_url: str, digests: Sequence[str]) -> None:
        """Write down that a batch will be made, before it is."""
        row = (token, base_url, json.dumps(list(digests)))
        self._connection.execute("INSERT INTO batches VALUES (?, ?, NULL, ?)", row)

    def name_batch(self, token: str, batch: str) -> None:
        """Write down the service's id of a batch."""
        self._connection.execute("UPDATE batches SET id = ? WHERE token = ?", (batch, token))

    def end_batch(self, token: str, left: Iterable[str]) -> None:
        """Forget a batch, but for the digests whose answers nobody has asked for yet."""
        rest = sorted(left)
        if rest:
            row = (json.dumps(rest), token)
            self._connection.execute("UPDATE batches SET digests = ? WHERE token = ?", row)
        else:
            self._connection.execute("DELETE FROM batches WHERE token = ?", (token,))

    def forget_batch(self, batch: str) -> None:
        """Forget a batch that the service refused or does not know."""
        self._connection.execute("DELETE FROM batches WHERE id = ?", (batch,))

    def batches(self, base_url: str) -> list[tuple[str, str | None, tuple[str, ...]]]:
        """Batches under way at a service: our token, its id if known, the digests in it.

        Raises:
            sqlite3.DataError: what is written of one is damaged.
        """
        rows = self._connection.execute(
            "SELECT token, id, digests FROM batches WHERE base_url = ?", (base_url,)
        )
        return [(token, batch, _listed(batch, digests)) for token, batch, digests in rows]

    def _broken(
        self, digest: str, tokens_in: int, tokens_out: int, dollars: float | None, reason: str
    ) -> None:
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
    def _change(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL mode on; SQLite itself does not wait for another process that does so at once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def answered(folder: Path, digests: Iterable[str]) -> set[str]:
    """Which of the digests have an answer in a cache; none where there is no cache."""
    if not (folder / FILE).exists():
        return set()
    with Cache.open(folder) as cache:
        return set(cache.answers(digests))


def _reply(digest: str, text: object) -> Reply:
    """An answer as it was kept."""
    content = _json(text)
    try:
        found = Reply(**content, cached=True)
    except TypeError:
        raise sqlite3.DataError(f"the answer to {digest[:12]} is damaged") from None
    texts = (found.digest, found.text, found.model, found.finish_reason)
    counts = (found.tokens_in, found.tokens_out, found.attempts)
    sound = (
        found.digest == digest
        and all(isinstance(each, str) for each in texts)
        and all(type(each) is int and each >= 0 for each in counts)
        and (found.seed is None or type(found.seed) is int)
        and _is_amount(found.dollars)
        and found.seconds is not None
        and _is_amount(found.seconds)
    )
    if not sound:
        raise sqlite3.DataError(f"the answer to {digest[:12]} is damaged")
    return found


def _spent(tokens_in: object, tokens_out: object, dollars: object) -> Spent:
    if type(tokens_in) is int and type(tokens_out) is int and _is_amount(dollars):
        return Spent(tokens_in, tokens_out, dollars)
    raise sqlite3.DataError("what broken answers cost is damaged")


def _listed(batch: object, digests: object) -> tuple[str, ...]:
    found = _json(digests)
    sound = isinstance(found, list) and all(isinstance(each, str) for each in found)
    if not sound or not isinstance(batch, str | None):
        raise sqlite3.DataError("what is known of a batch is damaged")
    return tuple(found)


def _is_amount(value: object) -> TypeGuard[float | None]:
    """Whether a value can be dollars or seconds: none, or a number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        return False
    return value is None or 0 <= value < math.inf


def _json(text: object) -> Any:  # noqa: ANN401  JSON
    """A value as it was kept; None where it is none."""
    try:
        return documents.parse_json(text, strict=False) if isinstance(text, str) else None
    except DocumentError:
        return None


def _unusable(folder: Path, error: Exception) -> ServiceError:
    return ServiceError(
        f"answers cannot be kept in {folder} ({error}): make room or make it writable; a damaged "
        f"{FILE} may be removed, which asks everything again"
    )
