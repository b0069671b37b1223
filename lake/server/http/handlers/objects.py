"""Handlers of objects: listing, staging, linking, and the bytes themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Final

from lake.errors import InvalidError, RangeError
from lake.server.catalog.content import DEFAULT_TYPE
from lake.server.catalog.entries import Entry
from lake.server.http import representations
from lake.server.http.handlers import presigned
from lake.server.http.requests import Answer, Call, Services
from lake.server.storage.objects import SCHEME, Stored

META: Final = "x-lakefs-meta-"
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bytes:
    """Part of an object to send: `size` bytes from `start` on."""

    status: int
    entry: Entry
    start: int
    size: int
    headers: Mapping[str, str]


def list_objects(lake: Services, call: Call) -> Answer:
    """Objects under a prefix."""
    query = call.query
    found = lake.content.list(
        call.repository,
        call.path["ref"],
        prefix=query.get("prefix", ""),
        after=query.get("after", ""),
        delimiter=query.get("delimiter", ""),
        amount=call.amount(),
    )
    signed = presigned.reading(lake, call)
    return Answer(
        200,
        representations.listing(
            found, lambda item: representations.listed(item, lake.store, signed)
        ),
    )


def stat_object(lake: Services, call: Call) -> Answer:
    """What is known of one object."""
    entry = lake.content.stat(call.repository, call.path["ref"], call.object_path)
    signed = presigned.reading(lake, call)
    return Answer(200, representations.stats(call.object_path, entry, lake.store, signed))


def update_metadata(lake: Services, call: Call) -> Answer:
    """Replace the user metadata of an object, uncommitted."""
    metadata = _metadata(call, "set")
    with lake.catalog.database.change():
        entry = lake.content.stat(call.repository, call.branch, call.object_path)
        changed = replace(entry, metadata=metadata)
        lake.catalog.stage(call.repository, call.branch, {call.object_path: changed})
    return Answer(201)


def underlying_properties(lake: Services, call: Call) -> Answer:
    """What the store knows of an object: local files have no storage class."""
    lake.content.stat(call.repository, call.path["ref"], call.object_path)
    return Answer(200, {"storage_class": None})


def delete_object(lake: Services, call: Call) -> Answer:
    """Stage a removal."""
    lake.content.remove(call.repository, call.branch, [call.object_path])
    return Answer(204)


def delete_objects(lake: Services, call: Call) -> Answer:
    """Stage many removals."""
    lake.content.remove(call.repository, call.branch, call.texts("paths"))
    return Answer(200, {"errors": []})


def copy_object(lake: Services, call: Call) -> Answer:
    """Stage an object under another path."""
    path = call.query.get("dest_path")
    if not path:
        raise InvalidError("the query parameter `dest_path` is missing")
    entry = lake.content.copy(
        call.repository,
        call.branch,
        path,
        call.optional("src_ref") or call.branch,
        call.text("src_path"),
    )
    return Answer(201, representations.stats(path, entry, lake.store))


def get_physical_address(lake: Services, call: Call) -> Answer:
    """Hand out an address for a path's bytes."""
    address = lake.content.offer(call.repository, call.branch, call.object_path)
    return Answer(200, {"physical_address": address, **presigned.writing(lake, call, address)})


def link_physical_address(lake: Services, call: Call) -> Answer:
    """Take over the bytes at an address; size and checksum are found out here."""
    staging = call.body.get("staging") or {}
    address = staging.get("physical_address") if isinstance(staging, dict) else None
    if not isinstance(address, str) or not address.startswith(SCHEME):
        raise InvalidError("the body needs staging.physical_address, as it was handed out")
    try:
        entry = lake.content.link(
            call.repository,
            call.branch,
            call.object_path,
            address,
            content_type=printable(call.optional("content_type")) or DEFAULT_TYPE,
            metadata=_metadata(call, "user_metadata"),
            only_new=call.only_new,
        )
    except FileNotFoundError as error:  # another call has taken it over meanwhile
        raise InvalidError(f"{address} was linked already") from error
    return Answer(200, representations.stats(call.object_path, entry, lake.store))


def uploaded(lake: Services, call: Call, stored: Stored, content_type: str) -> Answer:
    """Stage an object whose bytes have come in."""
    entry = lake.content.stage(
        call.repository,
        call.branch,
        call.object_path,
        stored,
        content_type=content_type or DEFAULT_TYPE,
        metadata=user_metadata(call.headers),
        only_new=call.only_new,
    )
    return Answer(201, representations.stats(call.object_path, entry, lake.store))


def find_bytes(lake: Services, call: Call) -> Bytes | Answer:
    """Find which bytes of an object a request asks for, or where it can read them.

    Raises:
        RangeError: the range lies outside the object, or there are several.
    """
    entry = lake.content.stat(call.repository, call.path["ref"], call.object_path)
    signed = presigned.reading(lake, call)
    if signed is not None:
        address, _ = signed(call.object_path, entry)
        return Answer(302, None, {"location": address})
    return part(entry, call)


def find_signed_bytes(lake: Services, call: Call) -> Bytes | Answer:
    """Find which bytes a request with a signed address asks for."""
    return part(presigned.opened(lake, call.path["token"]), call)


def part(entry: Entry, call: Call) -> Bytes | Answer:
    """Find which bytes of an entry a request asks for."""
    headers = {
        "etag": f'"{entry.md5}"',
        "last-modified": formatdate(entry.mtime, usegmt=True),
        "content-type": entry.content_type,
        "accept-ranges": "bytes",
        **{META + name: _latin(value) for name, value in entry.metadata.items()},
    }
    if call.headers.get("if-none-match", "").strip('"') == entry.md5:
        return Answer(304, None, headers)
    wanted = call.headers.get("range")
    if wanted is None:
        return Bytes(200, entry, 0, entry.size, headers)
    start, stop = _range(wanted, entry.size)
    headers["content-range"] = f"bytes {start}-{stop - 1}/{entry.size}"
    return Bytes(206, entry, start, stop - start, headers)


def user_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """What the request says of the object, lower-cased."""
    return {
        name.removeprefix(META): _decoded(value)
        for name, value in headers.items()
        if name.startswith(META)
    }


def printable(text: str) -> str:
    """Refuse text that cannot stand in an answer's header.

    Raises:
        InvalidError: it holds a control character, or a character outside ASCII.
    """
    if not (text.isascii() and text.isprintable()):
        raise InvalidError(f"{text!r} cannot stand in a header: printable ASCII only")
    return text


def _metadata(call: Call, name: str) -> dict[str, str]:
    return {printable(key.lower()): text for key, text in call.metadata(name).items()}


def _decoded(value: str) -> str:
    """A metadata value of a header: UTF-8 where its bytes are that, else Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _latin(text: str) -> str:
    """A metadata value as a header carries it: its UTF-8 bytes, control characters as spaces."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return clean.encode().decode("latin-1")


def _range(text: str, size: int) -> tuple[int, int]:
    """Start and end (exclusive) of a single byte range, the suffix form included."""
    found = _RANGE.fullmatch(text)
    if not found or not (found[1] or found[2]):
        raise RangeError(f"range {text!r} cannot be served", size)
    if not found[1]:
        length = min(int(found[2]), size)
        if length == 0:
            raise RangeError(f"range {text!r} lies outside the object", size)
        return size - length, size
    start = int(found[1])
    stop = min(int(found[2]) + 1, size) if found[2] else size
    if start >= size or stop <= start:
        raise RangeError(f"range {text!r} lies outside the object", size)
    return start, stop
