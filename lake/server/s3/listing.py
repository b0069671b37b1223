"""Lists of buckets and of the objects in one: branches are the first part of every key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

from lake.errors import NotFoundError
from lake.keys import Role
from lake.server.catalog.entries import Entry
from lake.server.catalog.pagination import MAX_PAGE
from lake.server.http import permissions
from lake.server.http.app_state import AppState
from lake.server.http.requests import Request, Result
from lake.server.s3 import xml
from lake.server.s3.errors import S3Error, not_implemented
from lake.server.s3.objects import moment, timestamp

_AS_XML: Final = {"content-type": "application/xml"}
Line = tuple[str, Entry | None]
"""A key with its object, or a common prefix."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is to hold."""

    prefix: str
    delimiter: str
    after: str
    amount: int
    is_encoded: bool

    def text(self, value: str) -> str:
        """A key as the answer has it."""
        return quote(value, safe="/-_.~*") if self.is_encoded else value


def list_buckets(app: AppState, request: Request) -> Result:
    """The repositories that the key may use."""
    permissions.check(app, request, Role.READER)
    buckets: list[xml.Field] = []
    after: str | None = ""
    while after is not None:
        found = app.catalog.repositories("", after, MAX_PAGE, may_see=_may_see(app, request))
        after = found.next
        buckets += [
            ("Bucket", [("Name", item.id), ("CreationDate", moment(item.created))])
            for item in found.items
        ]
    fields: list[xml.Field] = [
        ("Owner", [("ID", request.user), ("DisplayName", request.user)]),
        ("Buckets", buckets),
    ]
    return Result(200, xml.document("ListAllMyBucketsResult", fields), _AS_XML)


def _may_see(app: AppState, request: Request) -> Callable[[str], bool]:
    return lambda name: request.key is not None and app.keys.may_see(request.key, name)


def head_bucket(app: AppState, request: Request) -> Result:
    """Answer that there is such a repository."""
    permissions.check(app, request, Role.READER)
    app.catalog.repository(request.repository)
    return Result(200, None, {"x-amz-bucket-region": "us-east-1"})


def bucket_location(app: AppState, request: Request) -> Result:
    """The region: none, which stands for `us-east-1`."""
    head_bucket(app, request)
    return Result(200, xml.document("LocationConstraint", []), _AS_XML)


def list_objects(app: AppState, request: Request) -> Result:
    """List objects, version 1."""
    query = request.query
    asked = _asked(request, query.get("marker", ""))
    lines, is_cut = _page(app, request, asked)
    fields: list[xml.Field] = [
        ("Name", request.repository),
        ("Prefix", asked.text(asked.prefix)),
        ("Marker", asked.text(asked.after)),
        ("NextMarker", asked.text(lines[-1][0]) if is_cut else None),
    ]
    return _result(request, asked, fields, lines, is_cut=is_cut)


def list_objects_2(app: AppState, request: Request) -> Result:
    """List objects, version 2."""
    query = request.query
    token = query.get("continuation-token")
    after = query.get("start-after", "") if token is None else _read_token(token)
    asked = _asked(request, after)
    lines, is_cut = _page(app, request, asked)
    fields: list[xml.Field] = [
        ("Name", request.repository),
        ("Prefix", asked.text(asked.prefix)),
        ("StartAfter", asked.text(query["start-after"]) if "start-after" in query else None),
        ("ContinuationToken", token),
        ("NextContinuationToken", _token(lines[-1][0]) if is_cut else None),
        ("KeyCount", len(lines)),
    ]
    return _result(request, asked, fields, lines, is_cut=is_cut)


def _asked(request: Request, after: str) -> Asked:
    query = request.query
    text, encoding = query.get("max-keys") or str(MAX_PAGE), query.get("encoding-type", "")
    if not text.isascii() or not text.isdigit():
        raise S3Error(400, "InvalidArgument", "max-keys is not a number")
    if encoding not in ("", "url"):
        raise S3Error(400, "InvalidArgument", "encoding-type is not url")
    if query.get("list-type", "2") != "2":
        raise S3Error(400, "InvalidArgument", "list-type is not 2")
    amount = min(int(text[:9]), MAX_PAGE)
    return Asked(
        query.get("prefix", ""), query.get("delimiter", ""), after, amount, encoding == "url"
    )


def _page(app: AppState, request: Request, asked: Asked) -> tuple[list[Line], bool]:
    """Lines of a list, and whether there are more."""
    permissions.check(app, request, Role.READER)
    app.catalog.repository(request.repository)
    if not asked.amount:
        return [], False
    lines = list(islice(_lines(app, request.repository, asked), asked.amount + 1))
    return lines[: asked.amount], len(lines) > asked.amount


def _lines(app: AppState, repository: str, asked: Asked) -> Iterator[Line]:
    ref, slash, path = asked.prefix.partition("/")
    if slash:
        yield from _objects(app, repository, ref, path, asked)
        return
    if asked.delimiter not in ("", "/"):
        raise not_implemented(f"listing branches by the delimiter {asked.delimiter!r}")
    for start in sorted(f"{name}/" for name in _branches(app, repository)):
        if not start.startswith(asked.prefix):
            continue
        if not asked.delimiter:
            yield from _objects(app, repository, start[:-1], "", asked)
        elif start > asked.after:
            yield start, None


def _branches(app: AppState, repository: str) -> Iterator[str]:
    hidden = app.catalog.refs.hidden(repository)
    after: str | None = ""
    while after is not None:
        found = app.catalog.refs.page("branches", repository, "", after, MAX_PAGE, hidden=hidden)
        after = found.next
        yield from (item.name for item in found.items)


def _objects(app: AppState, repository: str, ref: str, prefix: str, asked: Asked) -> Iterator[Line]:
    """Lines below a ref; none where there is no such ref, as no key begins with it."""
    start = f"{ref}/"
    after: str | None = ""
    if asked.after.startswith(start):
        after = asked.after.removeprefix(start)
    elif asked.after > start:
        return
    while after is not None:
        try:
            found = app.objects.list(
                repository,
                ref,
                prefix=prefix,
                after=after,
                delimiter=asked.delimiter,
                amount=min(asked.amount + 1, MAX_PAGE),
            )
        except NotFoundError:
            return
        yield from ((start + line.path, line.entry) for line in found.items)
        after = found.next


def _result(
    request: Request, asked: Asked, fields: list[xml.Field], lines: list[Line], *, is_cut: bool
) -> Result:
    version = "2" if "list-type" in request.query else "1"
    owner: list[xml.Field] | None = None
    if version == "1" or request.query.get("fetch-owner") == "true":
        owner = [("ID", request.user), ("DisplayName", request.user)]
    fields += [
        ("MaxKeys", asked.amount),
        ("Delimiter", asked.text(asked.delimiter) if asked.delimiter else None),
        ("EncodingType", "url" if asked.is_encoded else None),
        ("IsTruncated", is_cut),
    ]
    for key, entry in lines:
        if entry is None:
            fields.append(("CommonPrefixes", [("Prefix", asked.text(key))]))
        else:
            fields.append(("Contents", _contents(asked.text(key), entry, owner)))
    return Result(200, xml.document("ListBucketResult", fields), _AS_XML)


def _contents(key: str, entry: Entry, owner: list[xml.Field] | None) -> list[xml.Field]:
    return [
        ("Key", key),
        ("LastModified", timestamp(entry)),
        ("ETag", f'"{entry.md5}"'),
        ("Size", entry.size),
        ("Owner", owner),
        ("StorageClass", "STANDARD"),
    ]


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _read_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise S3Error(
            400, "InvalidArgument", "the continuation token is not one of this server"
        ) from None
