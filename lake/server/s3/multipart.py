"""Uploads in parts: begun, sent part by part, and completed to one object, or given up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from lake.keys import Role
from lake.server.catalog import multipart
from lake.server.catalog.multipart import MAX_PARTS, Part, PartError, PartOrderError, Upload
from lake.server.http import part_uploads, permissions
from lake.server.http.app_state import AppState
from lake.server.http.requests import Request, Result
from lake.server.s3 import checksums, requests, xml
from lake.server.s3.errors import S3Error
from lake.server.s3.objects import described, moment
from lake.server.storage.hashing import StoredObject

_AS_XML: Final = {"content-type": "application/xml"}


def begin(app: AppState, request: Request) -> Result:
    """Begin an upload; its id is in the answer."""
    branch, path = requests.target(request)
    requests.check_change(app, request, branch)
    requests.check_used(request)
    made = app.catalog.multipart.begin(request.repository, branch, path, *described(request))
    fields: list[xml.Field] = [
        ("Bucket", request.repository),
        ("Key", request.path["key"]),
        ("UploadId", made.id),
    ]
    return Result(200, xml.document("InitiateMultipartUploadResult", fields), _AS_XML)


async def put_part(app: AppState, request: Request, body: AsyncIterator[bytes]) -> Result:
    """Store a part; one of the same number is replaced."""
    number = _number(request.query["partNumber"])
    stored = await part_uploads.receive(app, lambda: _changing(app, request), number, body)
    return Result(200, None, {"etag": f'"{stored.md5}"'})


def complete(app: AppState, request: Request, body: bytes) -> Result:
    """Put the parts together, and stage the object."""
    upload, condition = _changing(app, request), request.condition
    chosen = _chosen(xml.parse(body), app.catalog.multipart.parts(upload))
    stored = _joined(app, request, chosen)
    entry = part_uploads.complete(app, upload, stored, condition)
    fields: list[xml.Field] = [
        ("Location", f"{request.origin}/{request.repository}/{request.path['key']}"),
        ("Bucket", request.repository),
        ("Key", request.path["key"]),
        ("ETag", f'"{entry.md5}"'),
    ]
    return Result(200, xml.document("CompleteMultipartUploadResult", fields), _AS_XML)


def _joined(app: AppState, request: Request, parts: Sequence[Part]) -> StoredObject:
    """Put parts together; a checksum of the whole object is held against it.

    One of parts' checksums, which ends with their number, says nothing that the parts' own did not.

    Raises:
        S3Error: it is another.
    """
    expected = {
        name: (checksums.named(name), value)
        for name, value in request.headers.items()
        if checksums.is_checksum(name) and "-" not in value
    }
    readers = [checksum.update for checksum, _ in expected.values()]
    try:
        stored = part_uploads.join(app, parts, readers)
    except PartError as error:
        raise S3Error(400, "InvalidPart", str(error)) from error
    size = request.headers.get("x-amz-mp-object-size", str(stored.size))
    if size != str(stored.size):
        app.store.pins.unpin(stored.sha256)
        raise S3Error(400, "InvalidRequest", f"the object has {stored.size} bytes, and not {size}")
    for name, (checksum, value) in expected.items():
        if checksums.encoded(checksum) != value:
            app.store.pins.unpin(stored.sha256)
            raise S3Error(400, "BadDigest", f"the object does not have the checksum of {name}")
    return stored


def abort(app: AppState, request: Request) -> Result:
    """Give an upload up, and remove its parts."""
    part_uploads.abort(app, _changing(app, request))
    return Result(204)


def list_parts(app: AppState, request: Request) -> Result:
    """The parts of an upload that have come in."""
    upload = _find(app, request, Role.READER)
    fields: list[xml.Field] = [
        ("Bucket", request.repository),
        ("Key", request.path["key"]),
        ("UploadId", upload.id),
        ("IsTruncated", False),
    ]
    fields += [
        (
            "Part",
            [
                ("PartNumber", part.number),
                ("LastModified", moment(part.created)),
                ("ETag", f'"{part.md5}"'),
                ("Size", part.size),
            ],
        )
        for part in app.catalog.multipart.parts(upload)
    ]
    return Result(200, xml.document("ListPartsResult", fields), _AS_XML)


def list_uploads(app: AppState, request: Request) -> Result:
    """The uploads to a repository that are under way."""
    permissions.check(app, request, Role.READER)
    app.catalog.repository(request.repository)
    prefix = request.query.get("prefix", "")
    fields: list[xml.Field] = [("Bucket", request.repository), ("IsTruncated", False)]
    for upload in app.catalog.multipart.under_way(request.repository):
        key = f"{upload.branch}/{upload.path}"
        if key.startswith(prefix):
            described_as: list[xml.Field] = [
                ("Key", key),
                ("UploadId", upload.id),
                ("Initiated", moment(upload.created)),
            ]
            fields.append(("Upload", described_as))
    return Result(200, xml.document("ListMultipartUploadsResult", fields), _AS_XML)


def _changing(app: AppState, request: Request) -> Upload:
    branch, _ = requests.target(request)
    requests.check_change(app, request, branch)
    return _find(app, request, Role.WRITER)


def _find(app: AppState, request: Request, role: Role) -> Upload:
    permissions.check(app, request, role)
    branch, path = requests.target(request)
    return app.catalog.multipart.get(request.query["uploadId"], request.repository, branch, path)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_PARTS):
        raise S3Error(400, "InvalidArgument", f"partNumber is not a number from 1 to {MAX_PARTS}")
    return int(text)


def _chosen(root: Element, present: Sequence[Part]) -> list[Part]:
    """The parts that a client names, in their order.

    Raises:
        S3Error: it names none, one that is not there, or not in order.
    """
    named = root.findall("Part")
    if root.tag != "CompleteMultipartUpload" or not named:
        raise xml.malformed()
    pairs = [
        (_number((item.findtext("PartNumber") or "").strip()), item.findtext("ETag") or "")
        for item in named
    ]
    try:
        return multipart.chosen(pairs, present)
    except PartOrderError as error:
        raise S3Error(400, "InvalidPartOrder", str(error)) from error
    except PartError as error:
        raise S3Error(400, "InvalidPart", str(error)) from error
