"""Uploads in parts, whichever way they were begun: through the API, or by a client of S3."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence

from lake.errors import TooLargeError
from lake.server.catalog.conditions import Condition
from lake.server.catalog.entries import Entry
from lake.server.catalog.multipart import MAX_PART_BYTES, Part, PartError, Upload
from lake.server.catalog.object_service import entry_of
from lake.server.http import threads
from lake.server.http.app_state import AppState
from lake.server.storage.hashing import StoredObject


async def receive(
    app: AppState, find: Callable[[], Upload], number: int, body: AsyncIterator[bytes]
) -> StoredObject:
    """Store a part; one of the same number is replaced.

    Args:
        app: the lake.
        find: looks the upload up, and raises an error where the part is not wanted.
        number: of the part.
        body: its bytes.

    Raises:
        UploadGoneError: the upload has ended meanwhile.
        TooLargeError: the part is larger than `MAX_PART_BYTES`.
        FullError: there is no room.
    """
    upload = await threads.writing(find)
    file, stored = await app.store.receive_part(_bounded(body))
    part = Part(number, file, stored.md5, stored.size, int(time.time()))
    try:
        replaced = await threads.writing(app.catalog.multipart.add, upload, part)
    except BaseException:
        app.store.drop_parts([file])
        raise
    app.store.drop_parts([replaced] if replaced else [])
    return stored


def join(
    app: AppState, parts: Sequence[Part], readers: Sequence[Callable[[bytes], None]] = ()
) -> StoredObject:
    """Store parts as one object, and pin it.

    Args:
        app: the lake.
        parts: the parts, in order.
        readers: see all bytes as they are written.

    Raises:
        PartError: the bytes of a part are gone.
        FullError: there is no room.
    """
    try:
        return app.store.join([part.file for part in parts], readers)
    except FileNotFoundError as error:  # after a day, or in a lake that was put back
        raise PartError("a part is gone: send it again") from error


def complete(app: AppState, upload: Upload, stored: StoredObject, condition: Condition) -> Entry:
    """End an upload, and stage its object, which is pinned; it is unpinned here.

    Raises:
        UploadGoneError: the upload has ended meanwhile.
        PreconditionError: the condition does not hold; the upload goes on.
    """
    entry = entry_of(stored, upload.content_type, upload.metadata)
    with app.store.pins.releasing(stored.sha256):
        present = app.catalog.multipart.parts(upload)
        with app.catalog.database.change():
            app.catalog.multipart.end(upload)
            app.objects.put_entry(upload.repository, upload.branch, upload.path, entry, condition)
    app.store.drop_parts(part.file for part in present)
    return entry


def abort(app: AppState, upload: Upload) -> None:
    """Give an upload up, and remove its parts.

    Raises:
        UploadGoneError: it has ended meanwhile.
    """
    present = app.catalog.multipart.parts(upload)
    with app.catalog.database.change():
        app.catalog.multipart.end(upload)
    app.store.drop_parts(part.file for part in present)


async def _bounded(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > MAX_PART_BYTES:
            raise TooLargeError(f"a part has at most {MAX_PART_BYTES:,} bytes")
        yield chunk
