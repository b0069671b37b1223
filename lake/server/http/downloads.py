"""Downloads: the bytes of an object, or a range of them; small objects are read in a single hop.

Starlette's `FileResponse` opens the path again after the bytes have been verified, answers 400 to a
malformed range and a multipart body to several; lakeFS answers 416 to both.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from lake.errors import CorruptError
from lake.server.http import threads
from lake.server.http.app_state import AppState
from lake.server.http.handlers.objects import ByteRange
from lake.server.http.requests import HttpRequest, Request, Result, from_http
from lake.server.http.responses import to_response
from lake.server.storage.hashing import CHUNK, read_chunks

FindBytes = Callable[[AppState, Request], ByteRange | Result]
"""Finds which bytes a request asks for, or what else is to be answered."""


async def download(app: AppState, http: HttpRequest, find: FindBytes) -> Response:
    """Answer a request of the API for bytes."""
    return await respond(app, from_http(http), find, is_head=http.method == "HEAD")


async def respond(app: AppState, request: Request, find: FindBytes, *, is_head: bool) -> Response:
    """Answer a request for bytes, or for their headers alone."""
    match, body = await threads.reading(_find, app, request, find, is_head=is_head)
    if isinstance(match, Result):
        return to_response(match)
    headers = {**match.headers, "content-length": str(match.size)}
    if is_head or body is not None:
        return Response(body, match.status, headers)
    try:
        file = await run_in_threadpool(_open, app, match)
    except CorruptError:
        if not _was_purged(app, match):
            raise
        return await respond(app, request, find, is_head=is_head)
    if match.size <= CHUNK:
        with file:
            return Response(file.read(match.size), match.status, headers)
    return StreamingResponse(read_chunks(file, match.size), match.status, headers)


def _find(
    app: AppState, request: Request, find: FindBytes, *, is_head: bool
) -> tuple[ByteRange | Result, bytes | None]:
    """Find the bytes of a request, and read them where the object is small."""
    match = find(app, request)
    if isinstance(match, Result) or is_head or match.entry.size > CHUNK:
        return match, None
    try:
        data = app.store.read_small(match.entry.sha256, match.entry.size)
    except CorruptError:
        if not _was_purged(app, match):
            raise
        return _find(app, request, find, is_head=is_head)
    return match, data[match.start : match.start + match.size]


def _was_purged(app: AppState, part: ByteRange) -> bool:
    """Whether an object was purged after it was found, so that another one is found now."""
    return app.catalog.database.tombstones.get(part.entry.sha256) is not None


def _open(app: AppState, part: ByteRange) -> BinaryIO:
    """Open an object whose bytes have been verified, at the beginning of a range."""
    whole = part.status == HTTPStatus.OK
    file = app.store.open(part.entry.sha256, part.entry.size, whole=whole)
    file.seek(part.start)
    return file
