"""Uploads: bytes of a request that become an object, small ones in a single hop.

A body of up to `SMALL` bytes is collected first; then one thread checks the request, stores and
flushes the bytes and stages the object. A larger one is checked as soon as it is seen to be larger,
and written while it comes in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

from starlette.formparsers import MultiPartException, MultiPartParser

from lake.errors import InvalidError
from lake.keys import Role
from lake.server.http import permissions, threads
from lake.server.http.app_state import AppState
from lake.server.http.handlers import objects
from lake.server.http.requests import HttpRequest, Request, Result, from_http
from lake.server.storage.hashing import CHUNK, StoredObject

SMALL: Final = 1 << 20
"""Largest body that is collected before it is stored, in bytes."""
Staged = TypeVar("Staged")


async def store(
    app: AppState,
    chunks: AsyncIterator[bytes],
    check: Callable[[], None],
    stage: Callable[[StoredObject], Staged],
) -> Staged:
    """Store the bytes of a body, and make something of the object.

    Args:
        app: the lake.
        chunks: the body.
        check: raises an error where it is not wanted.
        stage: takes over the object, which is pinned, and unpins it.

    Raises:
        FullError: there is no room.
    """
    small, is_whole = await _first(chunks)

    def store_small() -> Staged:
        check()
        return stage(app.store.put(small))

    if is_whole:
        return await threads.writing(store_small)
    await threads.writing(check)
    stored = await app.store.receive(_chained(small, chunks))
    return await threads.writing(stage, stored)


async def upload(app: AppState, http: HttpRequest) -> Result:
    """Store the raw body of a request, or the part `content` of its form, and stage it."""
    request = from_http(http)
    media_type = http.headers.get("content-type", "")

    def stage(stored: StoredObject) -> Result:
        return objects.stage_upload(app, request, stored, media_type)

    def check() -> None:
        _check(app, request)

    if not media_type.startswith("multipart/form-data"):
        return await store(app, http.stream(), check, stage)
    await threads.writing(check)
    stored, media_type = await _store_form(app, http)
    return await threads.writing(stage, stored)


def _check(app: AppState, request: Request) -> None:
    """Refuse an upload for its key, where it goes, its path, its condition or its metadata."""
    permissions.check(app, request, Role.WRITER)
    if not request.flag("force"):
        app.catalog.check_writable(request.repository)
    app.settings.check_direct_change(request.repository, request.branch)
    app.versions.head(request.repository, request.branch)
    objects.check_upload(request)


async def _store_form(app: AppState, http: HttpRequest) -> tuple[StoredObject, str]:
    """Store the part `content` of a form; return it and its content type."""
    try:
        form = await MultiPartParser(http.headers, http.stream()).parse()
    except (MultiPartException, KeyError) as error:
        raise InvalidError("the form cannot be read") from error
    part = form.get("content")
    if part is None or isinstance(part, str):
        raise InvalidError("the form needs a part `content`")

    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await part.read(CHUNK):
            yield chunk

    try:
        return await app.store.receive(chunks()), part.content_type or ""
    finally:
        await form.close()


async def _first(chunks: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """The beginning of a body: all of a small one, and whether that is all."""
    data = bytearray()  # a list of tiny parts would take many times their bytes
    async for chunk in chunks:
        data += chunk
        if len(data) > SMALL:
            return bytes(data), False
    return bytes(data), True


async def _chained(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
