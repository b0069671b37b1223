"""Signed addresses: who holds one may read one object, or write one, for a while, without keys.

They lie outside of the API's own path: `/signed/TOKEN/NAME`. The token holds what it opens, so
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

from lake.server.catalog.entries import Entry, unpack
from lake.server.http.representations import Signed
from lake.server.http.requests import Answer, Call, Services
from lake.server.http.tokens import ADDRESS_SECONDS
from lake.server.storage.objects import SCHEME, room

PATH: Final = "/signed"
READ: Final = "read"
WRITE: Final = "write"


def reading(lake: Services, call: Call) -> Signed | None:
    """How addresses to read from are made, where the caller asks for signed ones."""
    if not call.flag("presign"):
        return None

    def signed(path: str, entry: Entry) -> tuple[str, int]:
        token, expires = lake.signer.seal(
            READ, {"entry": replace(entry, metadata={}).pack()}, ADDRESS_SECONDS
        )
        return _url(call, token, path), expires

    return signed


def writing(lake: Services, call: Call, address: str) -> dict[str, object]:
    """A signed address to write to, where the caller asks for one."""
    if not call.flag("presign"):
        return {}
    token, expires = lake.signer.seal(WRITE, {"address": address}, ADDRESS_SECONDS)
    return {
        "presigned_url": _url(call, token, call.object_path),
        "presigned_url_expiry": expires,
    }


def opened(lake: Services, token: str) -> Entry:
    """The object that a token opens.

    Raises:
        ForbiddenError: the token is not this lake's, or has expired.
    """
    return unpack(lake.signer.opened(READ, token)["entry"])


async def receive(lake: Services, token: str, chunks: AsyncIterator[bytes]) -> Answer:
    """Write what comes in to the address that a token opens; its ETag is the md5.

    Raises:
        ForbiddenError: the token is not this lake's, or has expired.
        FullError: there is no room.
    """
    place = Path(lake.signer.opened(WRITE, token)["address"].removeprefix(SCHEME))
    draft = place.with_name(f"upload-{secrets.token_hex(16)}")
    md5 = hashlib.md5(usedforsecurity=False)
    try:
        with room(), draft.open("xb") as file:
            async for chunk in chunks:
                md5.update(chunk)
                file.write(chunk)
        draft.replace(place)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return Answer(200, None, {"etag": f'"{md5.hexdigest()}"'})


def _url(call: Call, token: str, path: str) -> str:
    return f"{call.origin}{PATH}/{token}/{quote(path.rpartition('/')[2] or 'object', safe='')}"
