"""Uploads in parts: which are under way, and the files in which their parts wait.

Parts lie in the staging area until the upload is completed or given up; like everything there, what
is a day old may be swept away.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lake.errors import InvalidError, NotFoundError
from lake.server.catalog.database import Database
from lake.server.catalog.refs import Refs
from lake.server.catalog.validation import check_key

KEEP_SECONDS: Final = 86_400
"""Seconds within which an upload must be completed."""


MAX_PARTS: Final = 10_000
"""Parts of one upload."""
MAX_PART_BYTES: Final = 5 << 30
"""Largest part, in bytes; S3 has the same limit."""


class PartError(InvalidError, kind="part"):
    """A part that is named was not sent, or is another."""


class PartOrderError(InvalidError, kind="part-order"):
    """The parts are not named in order."""


class UploadGoneError(NotFoundError, kind="not-found"):
    """There is no such upload: it was completed, given up, or too old."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload under way: where its object will be, and what it will be called."""

    id: str
    repository: str
    branch: str
    path: str
    content_type: str
    metadata: Mapping[str, str]
    created: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has come in: its number, file name in the staging area, MD5 (hex) and size."""

    number: int
    file: str
    md5: str
    size: int
    created: int


class MultipartUploads:
    """The uploads of one lake."""

    def __init__(self, database: Database, refs: Refs) -> None:
        """Work on a database."""
        self._database = database
        self._refs = refs

    def begin(
        self,
        repository: str,
        branch: str,
        path: str,
        content_type: str,
        metadata: Mapping[str, str],
    ) -> Upload:
        """Begin an upload; forget those that are too old."""
        check_key(path)
        now = int(time.time())
        made = Upload(
            secrets.token_hex(16), repository, branch, path, content_type, dict(metadata), now
        )
        with self._database.change() as db:
            self._refs.get("branches", repository, branch)
            forget_expired(self._database)
            db.execute(
                "INSERT INTO multipart_uploads VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    made.id,
                    repository,
                    branch,
                    path,
                    content_type,
                    json.dumps(made.metadata),
                    made.created,
                ),
            )
        return made

    def get(self, name: str, repository: str, branch: str, path: str) -> Upload:
        """Look an upload up.

        Raises:
            UploadGoneError: there is none of this id for this path.
        """
        row = self._database.connection.execute(
            "SELECT * FROM multipart_uploads "
            "WHERE id = ? AND repository = ? AND branch = ? AND path = ? AND created >= ?",
            (name, repository, branch, path, int(time.time()) - KEEP_SECONDS),
        ).fetchone()
        if row is None:
            raise UploadGoneError(f"there is no upload {name!r} of {path!r}")
        return _upload(row)

    def under_way(self, repository: str) -> list[Upload]:
        """The uploads to a repository, by branch and path."""
        rows = self._database.connection.execute(
            "SELECT * FROM multipart_uploads WHERE repository = ? AND created >= ? "
            "ORDER BY branch, path, created, id",
            (repository, int(time.time()) - KEEP_SECONDS),
        )
        return [_upload(row) for row in rows]

    def parts(self, upload: Upload) -> list[Part]:
        """The parts that have come in, by number."""
        rows = self._database.connection.execute(
            "SELECT number, file, md5, size, created FROM multipart_parts "
            "WHERE upload = ? ORDER BY number",
            (upload.id,),
        )
        return [Part(*row) for row in rows]

    def add(self, upload: Upload, part: Part) -> str | None:
        """Take a part; return the file of the one that it replaces, if there was one.

        Raises:
            UploadGoneError: the upload has ended meanwhile.
        """
        with self._database.change() as db:
            self.get(upload.id, upload.repository, upload.branch, upload.path)
            row = db.execute(
                "SELECT file FROM multipart_parts WHERE upload = ? AND number = ?",
                (upload.id, part.number),
            ).fetchone()
            db.execute(
                "INSERT OR REPLACE INTO multipart_parts VALUES (?, ?, ?, ?, ?, ?)",
                (upload.id, part.number, part.file, part.md5, part.size, part.created),
            )
        return str(row[0]) if row else None

    def end(self, upload: Upload) -> None:
        """Forget an upload and its parts; to be called inside a change.

        Raises:
            UploadGoneError: it has ended already.
        """
        deleted = self._database.connection.execute(
            "DELETE FROM multipart_uploads WHERE id = ?", (upload.id,)
        )
        if not deleted.rowcount:
            raise UploadGoneError(f"the upload {upload.id!r} has ended already")


def chosen(named: Iterable[tuple[int, str]], present: Sequence[Part]) -> list[Part]:
    """The parts that a client names by number and ETag, in their order.

    Raises:
        PartError: one of them is not there, or is another.
        PartOrderError: they are not in order, or one comes twice.
    """
    known = {part.number: part for part in present}
    found: list[Part] = []
    for number, etag in named:
        part = known.get(number)
        if part is None or etag.strip().strip('"') != part.md5:
            raise PartError(f"part {number} was not sent, or is another")
        found.append(part)
    numbers = [part.number for part in found]
    if numbers != sorted(set(numbers)):
        raise PartOrderError("the parts are not named in order")
    return found


def forget_expired(database: Database) -> None:
    """Forget uploads that are too old to be completed; to be called inside a change."""
    oldest = int(time.time()) - KEEP_SECONDS
    database.connection.execute("DELETE FROM multipart_uploads WHERE created < ?", (oldest,))


def _upload(row: tuple[str, str, str, str, str, str, int]) -> Upload:
    name, repository, branch, path, content_type, metadata, created = row
    return Upload(name, repository, branch, path, content_type, json.loads(metadata), created)
