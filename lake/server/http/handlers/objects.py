"""Handlers of objects: listing, staging, linking, and the bytes themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Final
from urllib.parse import quote

from lake.errors import ForbiddenError, InvalidError, RangeError, UnsupportedError
from lake.server.catalog.conditions import Expected
from lake.server.catalog.entries import Entry
from lake.server.catalog.object_service import DEFAULT_TYPE
from lake.server.catalog.validation import CONTROLS, HEADER_NAME, check_key
from lake.server.http import representations
from lake.server.http.app_state import AppState
from lake.server.http.bodies import (
    ObjectCopyCreation,
    PathList,
    UpdateObjectUserMetadata,
)
from lake.server.http.body_fields import check_object_metadata
from lake.server.http.handlers import presigned
from lake.server.http.requests import Request, Result
from lake.server.http.staging_bodies import StagingMetadata
from lake.server.storage.hashing import StoredObject

METADATA_PREFIX: Final = "x-lakefs-meta-"
_AS_DATA: Final = {
    "cache-control": "no-store, must-revalidate",
    "expires": "0",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "x-frame-options": "SAMEORIGIN",
}
"""Headers of every read: a stored page is not to be shown as one of the lake's own."""
_NO_TOKEN: Final = re.compile(r"[^\w.-]", re.ASCII)
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Part of an object to send: `size` bytes from `start` on."""

    status: int
    entry: Entry
    start: int
    size: int
    headers: Mapping[str, str]


def list_objects(app: AppState, request: Request) -> Result:
    """Objects under a prefix."""
    query = request.query
    lines = app.objects.list(
        request.repository,
        request.path["ref"],
        prefix=query.get("prefix", ""),
        after=query.get("after", ""),
        delimiter=query.get("delimiter", ""),
        amount=request.page_size(),
    )
    signed = presigned.read_address_signer(app, request)
    with_metadata = request.flag("user_metadata", default=True)
    return Result(
        200,
        representations.listing(
            lines,
            lambda line: representations.listed(line, app.store, signed, metadata=with_metadata),
        ),
    )


def stat_object(app: AppState, request: Request) -> Result:
    """Metadata of one object."""
    entry = app.objects.stat(request.repository, request.path["ref"], request.object_path)
    signed = presigned.read_address_signer(app, request)
    with_metadata = request.flag("user_metadata", default=True)
    return Result(
        200,
        representations.stats(
            request.object_path, entry, app.store, signed, metadata=with_metadata
        ),
    )


def update_metadata(app: AppState, request: Request, body: UpdateObjectUserMetadata) -> Result:
    """Replace the user metadata of an object, uncommitted."""
    with app.catalog.database.change():
        entry = app.objects.stat(request.repository, request.branch, request.object_path)
        changes = {request.object_path: replace(entry, metadata=body.metadata)}
        app.catalog.stage(request.repository, request.branch, changes)
    return Result(204)


def preflight(app: AppState, request: Request) -> Result:
    """Answer that an upload to the branch may come."""
    app.catalog.refs.get("branches", request.repository, request.branch)
    return Result(204)


def underlying_properties(app: AppState, request: Request) -> Result:
    """Properties of an object in the store: local files have no storage class."""
    app.objects.stat(request.repository, request.path["ref"], request.object_path)
    return Result(200, {"storage_class": None})


def delete_object(app: AppState, request: Request) -> Result:
    """Stage a removal."""
    app.objects.remove(request.repository, request.branch, [request.object_path])
    return Result(204)


def delete_objects(app: AppState, request: Request, body: PathList) -> Result:
    """Stage many removals; on a protected branch, each path has an error of its own."""
    paths = [path for path in body.paths if path]
    try:
        app.settings.check_direct_change(request.repository, request.branch)
    except ForbiddenError as error:
        refusal = {"status_code": 403, "message": str(error)}
        return Result(200, {"errors": [{"path": path, **refusal} for path in paths]})
    app.objects.remove(request.repository, request.branch, paths)
    return Result(200, {"errors": []})


def copy_object(app: AppState, request: Request, body: ObjectCopyCreation) -> Result:
    """Stage an object under another path.

    Raises:
        UnsupportedError: a shallow copy is asked for, which nothing here would be cheaper by.
    """
    if body.shallow:
        raise UnsupportedError("shallow copies are not part of this server: copies move no bytes")
    path = request.required("dest_path")
    source_ref = body.src_ref or request.branch
    entry = app.objects.copy(request.repository, request.branch, path, source_ref, body.src_path)
    return Result(201, representations.stats(path, entry, app.store))


def get_physical_address(app: AppState, request: Request) -> Result:
    """Hand out an address for a path's bytes."""
    address = app.objects.offer(request.repository, request.branch, request.object_path)
    signed = presigned.write_address(app, request, address)
    return Result(200, {"physical_address": address, **signed})


def link_physical_address(app: AppState, request: Request, body: StagingMetadata) -> Result:
    """Take over the bytes at an address; size and checksum are computed here.

    Raises:
        InvalidError: they are not what the client says, or the address was linked already.
    """
    address = body.staging.physical_address
    try:
        entry = app.objects.link(
            request.repository,
            request.branch,
            request.object_path,
            address,
            content_type=body.content_type or DEFAULT_TYPE,
            metadata=body.user_metadata,
            condition=request.condition,
            expected=Expected(body.checksum, body.size_bytes),
        )
    except FileNotFoundError as error:  # another call has taken it over meanwhile
        raise InvalidError(f"{address} was linked already") from error
    return Result(200, representations.stats(request.object_path, entry, app.store))


def check_upload(request: Request) -> None:
    """Refuse an upload for its path, condition or metadata, before its bytes come in."""
    check_key(request.object_path)
    check_object_metadata(user_metadata(request.headers))
    _ = request.condition


def stage_upload(
    app: AppState, request: Request, stored: StoredObject, content_type: str
) -> Result:
    """Stage an object whose bytes have come in."""
    entry = app.objects.stage(
        request.repository,
        request.branch,
        request.object_path,
        stored,
        content_type=content_type or DEFAULT_TYPE,
        metadata=user_metadata(request.headers),
        condition=request.condition,
    )
    return Result(201, representations.stats(request.object_path, entry, app.store))


def find_bytes(app: AppState, request: Request) -> ByteRange | Result:
    """Find which bytes of an object a request asks for, or where it can read them.

    Raises:
        RangeError: the range lies outside the object, or there are several.
    """
    entry = app.objects.stat(request.repository, request.path["ref"], request.object_path)
    signed = presigned.read_address_signer(app, request)
    if signed is not None:
        address, _ = signed(request.object_path, entry)
        return Result(302, None, {"location": address})
    return byte_range(entry, request)


def find_signed_bytes(app: AppState, request: Request) -> ByteRange | Result:
    """Find which bytes a request with a signed address asks for."""
    return byte_range(presigned.entry_of(app, request.path["token"]), request)


def byte_range(entry: Entry, request: Request) -> ByteRange | Result:
    """Find which bytes of an entry a request asks for.

    Raises:
        RangeError: the range lies outside the object, or there are several.
    """
    headers = {
        "etag": f'"{entry.md5}"',
        "last-modified": formatdate(entry.mtime, usegmt=True),
        "content-type": CONTROLS.sub(" ", entry.content_type),
        "accept-ranges": "bytes",
        **_AS_DATA,
        "content-disposition": _attachment(request),
        **_metadata_headers(entry.metadata),
    }
    if request.has(entry.md5):
        return Result(304, None, headers)
    text, of = request.headers.get("range"), request.headers.get("if-range", headers["etag"])
    if text is None or of != headers["etag"]:  # a date may be that of two objects
        return ByteRange(200, entry, 0, entry.size, headers)
    start, stop = parse_range(text, entry.size)
    headers["content-range"] = f"bytes {start}-{stop - 1}/{entry.size}"
    return ByteRange(206, entry, start, stop - start, headers)


def _metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """User metadata as headers; names of an earlier release that none can have are left out."""
    return {
        METADATA_PREFIX + name: _to_latin(value)
        for name, value in metadata.items()
        if HEADER_NAME.fullmatch(name)
    }


def _attachment(request: Request) -> str:
    """What a browser makes of an object: a file to keep, with a name (RFC 6266)."""
    name = (request.query.get("path") or request.path.get("name", "")).rpartition("/")[2]
    plain = _NO_TOKEN.sub("_", name) or "object"
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{encoded}'


def user_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """User metadata in the headers of an upload, names in lower case."""
    return {
        name.removeprefix(METADATA_PREFIX): from_latin(value)
        for name, value in headers.items()
        if name.startswith(METADATA_PREFIX)
    }


def parse_range(text: str, size: int) -> tuple[int, int]:
    """Start and end (exclusive) of a single byte range, the suffix form included.

    Raises:
        RangeError: it is not one range, or lies outside of `size` bytes.
    """
    match = _RANGE.fullmatch(text)
    if not match or not (match[1] or match[2]):
        raise RangeError(f"range {text!r} cannot be served", size)
    if not match[1]:
        length = min(int(match[2]), size)
        if length == 0:
            raise RangeError(f"range {text!r} lies outside the object", size)
        return size - length, size
    start = int(match[1])
    stop = min(int(match[2]) + 1, size) if match[2] else size
    if start >= size or stop <= start:
        raise RangeError(f"range {text!r} lies outside the object", size)
    return start, stop


def from_latin(value: str) -> str:
    """A metadata value of a header: UTF-8 where its bytes are that, else Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _to_latin(text: str) -> str:
    """A metadata value as a header carries it: its UTF-8 bytes, control characters as spaces."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable.encode().decode("latin-1")
