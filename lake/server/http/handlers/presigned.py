"""Signed addresses: whoever has one may read one object, or write one, for a while, without keys.

They lie outside of the API's own path: `/signed/TOKEN/NAME`. The token holds what it is for, so
nothing has to be looked up, and the name is only there for people and for programs that judge a
file by its ending.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool

from lake.server.catalog.entries import Entry
from lake.server.http.app_state import AppState
from lake.server.http.representations import AddressSigner
from lake.server.http.requests import Request, Result
from lake.server.http.tokens import READ, WRITE
from lake.server.storage.disk import disk_errors_translated
from lake.server.storage.reading import SCHEME

PATH: Final = "/signed"


def read_address_signer(app: AppState, request: Request) -> AddressSigner | None:
    """What makes addresses to read from, where the client asks for signed ones."""
    if not request.flag("presign"):
        return None

    def signed(path: str, entry: Entry) -> tuple[str, int]:
        token, expires = app.signer.sign(READ, {"entry": replace(entry, metadata={}).pack()})
        return _url(request, token, path), expires

    return signed


def write_address(app: AppState, request: Request, address: str) -> dict[str, object]:
    """A signed address to write to, where the client asks for one."""
    if not request.flag("presign"):
        return {}
    token, expires = app.signer.sign(WRITE, {"address": address})
    return {
        "presigned_url": _url(request, token, request.object_path),
        "presigned_url_expiry": expires,
    }


def entry_of(app: AppState, token: str) -> Entry:
    """The object that a token gives access to.

    Raises:
        ForbiddenError: the token is not this lake's, or has expired.
    """
    return app.catalog.database.unpack(app.signer.verify(READ, token)["entry"])


async def receive(app: AppState, token: str, chunks: AsyncIterator[bytes]) -> Result:
    """Write the body to the address that a token gives access to; its ETag is the md5.

    Raises:
        ForbiddenError: the token is not this lake's, or has expired.
        NotFoundError: the address was linked, or its branch is gone.
        FullError: there is no room.
    """
    address = app.signer.verify(WRITE, token)["address"]
    await run_in_threadpool(app.catalog.slots.check, address)
    target = Path(address.removeprefix(SCHEME))
    draft = target.with_name(f"upload-{secrets.token_hex(16)}")
    md5 = hashlib.md5(usedforsecurity=False)
    try:
        with disk_errors_translated(), draft.open("xb") as file:
            async for chunk in chunks:
                md5.update(chunk)
                file.write(chunk)
        await run_in_threadpool(app.catalog.slots.check, address)
        draft.replace(target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return Result(200, None, {"etag": f'"{md5.hexdigest()}"'})


def _url(request: Request, token: str, path: str) -> str:
    name = quote(path.rpartition("/")[2] or "object", safe="")
    return f"{request.origin}{PATH}/{token}/{name}"
