"""Handlers of uploads whose parts go to signed addresses, so that no key goes with the bytes.

The client begins an upload, sends each part to an address of its own, and names number and ETag of
all of them when it completes the object. A part can be sent again until then. The addresses are
valid as long as the upload is (a day), and as long as the key that asked for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from lake.errors import ForbiddenError, InvalidError
from lake.server.catalog import multipart
from lake.server.catalog.multipart import MAX_PARTS, Upload
from lake.server.catalog.object_service import DEFAULT_TYPE
from lake.server.http import part_uploads, representations
from lake.server.http.app_state import AppState
from lake.server.http.handlers import presigned
from lake.server.http.requests import Request, Result
from lake.server.http.staging_bodies import CompletePresignMultipartUpload, PartUpload
from lake.server.http.tokens import PART

PATH: Final = f"{presigned.PATH}/parts"


def begin(app: AppState, request: Request) -> Result:
    """Begin an upload in parts; hand out an address for each part that is asked for."""
    count = _count(request.query.get("parts", "0"))
    upload = app.catalog.multipart.begin(
        request.repository, request.branch, request.object_path, DEFAULT_TYPE, {}
    )
    return Result(
        201,
        {
            "upload_id": upload.id,
            "physical_address": _address(app, upload),
            "presigned_urls": [
                _signed(app, request, upload, number) for number in range(1, count + 1)
            ],
        },
    )


def sign_part(app: AppState, request: Request, body: PartUpload) -> Result:
    """Hand out an address for one part, of an upload whose parts were not counted beforehand."""
    upload = _find(app, request, body)
    number = _count(request.path["number"])
    if not number:
        raise InvalidError("parts are counted from 1")
    return Result(200, {"presigned_url": _signed(app, request, upload, number)})


def complete(app: AppState, request: Request, body: CompletePresignMultipartUpload) -> Result:
    """Put the parts together, and stage the object."""
    upload, condition = _find(app, request, body), request.condition
    named = [(part.part_number, part.etag) for part in body.parts]
    parts = multipart.chosen(named, app.catalog.multipart.parts(upload))
    described = replace(
        upload, content_type=body.content_type or DEFAULT_TYPE, metadata=body.user_metadata
    )
    entry = part_uploads.complete(app, described, part_uploads.join(app, parts), condition)
    return Result(200, representations.stats(upload.path, entry, app.store))


def abort(app: AppState, request: Request, body: PartUpload) -> Result:
    """Give an upload up, and remove its parts."""
    part_uploads.abort(app, _find(app, request, body))
    return Result(204)


async def receive(app: AppState, token: str, chunks: AsyncIterator[bytes]) -> Result:
    """Store the part that a token gives access to; its ETag is the md5.

    Raises:
        ForbiddenError: the token is not this lake's, or its key was revoked.
        UploadGoneError: the upload was completed, given up, or is too old.
        FullError: there is no room.
    """
    content = app.signer.verify(PART, token)

    def find() -> Upload:
        if app.keys.find(content["key"]) is None:
            raise ForbiddenError("the key that asked for this address was revoked")
        return app.catalog.multipart.get(*content["upload"])

    stored = await part_uploads.receive(app, find, content["number"], chunks)
    return Result(200, None, {"etag": f'"{stored.md5}"'})


def _signed(app: AppState, request: Request, upload: Upload, number: int) -> str:
    key = request.key.access_key_id if request.key else ""
    place = [upload.id, upload.repository, upload.branch, upload.path]
    token, _ = app.signer.sign(PART, {"key": key, "upload": place, "number": number})
    return f"{request.origin}{PATH}/{token}/{number}"


def _find(app: AppState, request: Request, body: PartUpload) -> Upload:
    """The upload that a request is about.

    Raises:
        UploadGoneError: there is none.
        InvalidError: it was begun with another address.
    """
    upload = app.catalog.multipart.get(
        request.path["upload"], request.repository, request.branch, request.object_path
    )
    if body.physical_address != _address(app, upload):
        raise InvalidError("physical_address is not that of this upload")
    return upload


def _address(app: AppState, upload: Upload) -> str:
    """The address of an upload, at which no file ever lies."""
    return app.store.staging_address(f"parts-of-{upload.id}")


def _count(text: str) -> int:
    """A number of parts.

    Raises:
        InvalidError: it is none, or too large.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PARTS))
    if not is_number or int(text) > MAX_PARTS:
        raise InvalidError(f"an upload has at most {MAX_PARTS:,} parts")
    return int(text)
