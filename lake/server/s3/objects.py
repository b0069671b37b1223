"""Objects: reading, writing, copying and deleting them as S3 has it."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from lake.errors import ForbiddenError, LakeError, NotFoundError, PreconditionError
from lake.keys import Role
from lake.server.catalog.entries import Entry
from lake.server.catalog.object_service import DEFAULT_TYPE
from lake.server.catalog.validation import check_header_text, check_key
from lake.server.http import permissions, threads, uploads
from lake.server.http.app_state import AppState
from lake.server.http.body_fields import check_object_metadata
from lake.server.http.handlers import objects as api
from lake.server.http.requests import Request, Result
from lake.server.s3 import errors, requests, xml
from lake.server.s3.errors import S3Error, not_implemented
from lake.server.s3.requests import META
from lake.server.storage.hashing import StoredObject

MAX_DELETED: Final = 1000
"""Most keys in one call that deletes many."""
_EMPTY_MD5: Final = hashlib.md5(usedforsecurity=False).hexdigest()
_AS_XML: Final = {"content-type": "application/xml"}


def find(app: AppState, request: Request) -> api.ByteRange | Result:
    """Find which bytes of an object a request asks for.

    Raises:
        LakeError: there is no such object, or it has changed.
    """
    permissions.check(app, request, Role.READER)
    ref, path = requests.target(request)
    entry = app.objects.stat(request.repository, ref, path)
    _check_unchanged(request, entry)
    match = api.byte_range(entry, request)
    if isinstance(match, api.ByteRange) and _is_not_modified(request, entry):
        return Result(304, None, _as_s3(match.headers))
    return replace(match, headers=_as_s3(match.headers))


def _as_s3(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of a read with the names that S3 has for metadata."""
    prefix = api.METADATA_PREFIX
    return {
        META + name.removeprefix(prefix) if name.startswith(prefix) else name: value
        for name, value in headers.items()
        if name != "content-disposition"
    }


def _check_unchanged(request: Request, entry: Entry) -> None:
    """Hold If-Match, or without it If-Unmodified-Since, against an object."""
    etags = request.headers.get("if-match")
    if etags is not None:
        wanted = [etag.strip().strip('"') for etag in etags.split(",")]
        if "*" not in wanted and entry.md5 not in wanted:
            raise PreconditionError("the object is not that of If-Match")
        return
    since = _date(request, "if-unmodified-since")
    if since is not None and entry.mtime > since:
        raise PreconditionError("the object has changed since If-Unmodified-Since")


def _is_not_modified(request: Request, entry: Entry) -> bool:
    """Whether If-Modified-Since holds, which counts only without If-None-Match."""
    since = _date(request, "if-modified-since")
    return "if-none-match" not in request.headers and since is not None and entry.mtime <= since


def _date(request: Request, name: str) -> float | None:
    try:
        return parsedate_to_datetime(request.headers.get(name, "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


async def put(app: AppState, request: Request, body: AsyncIterator[bytes]) -> Result:
    """Store a body as an object of a branch.

    An empty one under `BRANCH/` is how some clients make a directory, which a branch is already.
    """
    branch, _, path = request.path["key"].partition("/")
    if request.path["key"].endswith("/") and not path:
        return await _mark_branch(app, request, branch, body)
    return await uploads.store(
        app, body, partial(_check_put, app, request), partial(_stage, app, request)
    )


async def _mark_branch(
    app: AppState, request: Request, branch: str, body: AsyncIterator[bytes]
) -> Result:
    async for chunk in body:
        if chunk:
            raise S3Error(400, "InvalidArgument", f"{branch}/ is a branch, and takes no bytes")
    await threads.writing(requests.check_change, app, request, branch)
    return Result(200, None, {"etag": f'"{_EMPTY_MD5}"'})


def _check_put(app: AppState, request: Request) -> None:
    branch, path = requests.target(request)
    requests.check_change(app, request, branch)
    requests.check_used(request)
    check_key(path)
    described(request)
    _ = request.condition


def _stage(app: AppState, request: Request, stored: StoredObject) -> Result:
    branch, path = requests.target(request)
    content_type, metadata = described(request)
    entry = app.objects.stage(
        request.repository,
        branch,
        path,
        stored,
        content_type=content_type,
        metadata=metadata,
        condition=request.condition,
    )
    return Result(200, None, {"etag": f'"{entry.md5}"'})


def described(request: Request) -> tuple[str, dict[str, str]]:
    """Content type and metadata that an upload gives its object.

    Raises:
        InvalidError: they cannot be read back.
    """
    metadata = {
        name.removeprefix(META): api.from_latin(value)
        for name, value in request.headers.items()
        if name.startswith(META)
    }
    content_type = check_header_text(request.headers.get("content-type") or DEFAULT_TYPE)
    return content_type, check_object_metadata(metadata)


def copy(app: AppState, request: Request) -> Result:
    """Put an object of a ref under another key; no bytes move."""
    branch, path = requests.target(request)
    requests.check_change(app, request, branch)
    requests.check_used(request)
    directive = request.headers.get("x-amz-metadata-directive", "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise S3Error(400, "InvalidArgument", "x-amz-metadata-directive is COPY or REPLACE")
    condition = request.condition
    with app.catalog.database.change():
        source = source_entry(app, request)
        entry = replace(source, mtime=int(time.time()))
        if directive == "REPLACE":
            content_type, metadata = described(request)
            entry = replace(entry, content_type=content_type, metadata=metadata)
        app.objects.put_entry(request.repository, branch, path, entry, condition)
    fields: list[xml.Field] = [("LastModified", timestamp(entry)), ("ETag", f'"{entry.md5}"')]
    return Result(200, xml.document("CopyObjectResult", fields), _AS_XML)


def source_entry(app: AppState, request: Request) -> Entry:
    """The object that a copy is made of: `/BUCKET/REF/PATH`, encoded."""
    source = request.headers["x-amz-copy-source"]
    if "?" in source:
        raise not_implemented("a version in x-amz-copy-source (a ref names the version)")
    bucket, _, key = unquote(source).lstrip("/").partition("/")
    if request.key is None:
        raise ForbiddenError("this needs a key")
    app.keys.check_repository(request.key, bucket)
    return app.objects.stat(bucket, *requests.split(key))


def delete(app: AppState, request: Request) -> Result:
    """Stage the removal of an object, with If-Match only of this one; an absent one is no error."""
    branch, path = requests.target(request)
    requests.check_change(app, request, branch)
    requests.check_used(request)
    app.objects.remove(request.repository, branch, [path], request.condition)
    return Result(204)


def delete_many(app: AppState, request: Request, body: bytes) -> Result:
    """Stage removals; each key that is not removed has an error of its own."""
    permissions.check(app, request, Role.WRITER)
    keys, is_quiet = _keys(xml.parse(body))
    by_branch: dict[str, list[str]] = defaultdict(list)
    refused: list[tuple[str, S3Error]] = []
    for key in keys:
        try:
            branch, path = requests.split(key)
            check_key(path)
            by_branch[branch].append(path)
        except S3Error as error:
            refused.append((key, error))
        except LakeError as error:
            refused.append((key, errors.of_lake(error)))
    removed: list[str] = []
    for branch, paths in by_branch.items():
        names = [f"{branch}/{path}" for path in paths]
        try:
            requests.check_change(app, request, branch)
            app.objects.remove(request.repository, branch, paths)
            removed += names
        except LakeError as error:
            refused += [(name, errors.of_lake(error)) for name in names]
    fields: list[xml.Field] = [] if is_quiet else [("Deleted", [("Key", key)]) for key in removed]
    fields += [
        ("Error", [("Key", key), ("Code", error.code), ("Message", error.message)])
        for key, error in refused
    ]
    return Result(200, xml.document("DeleteResult", fields), _AS_XML)


def _keys(root: Element) -> tuple[list[str], bool]:
    """Keys to delete, and whether only errors are to be answered."""
    if root.tag != "Delete":
        raise xml.malformed()
    found = root.findall("Object")
    if not 0 < len(found) <= MAX_DELETED:
        raise xml.malformed()
    for item in found:
        for part in item:
            if part.tag != "Key":  # a version, or a condition
                raise not_implemented(f"{part.tag} of an object to delete")
    return [item.findtext("Key") or "" for item in found], root.findtext("Quiet") == "true"


def timestamp(entry: Entry) -> str:
    """When an object was written, as XML has it."""
    return moment(entry.mtime)


def moment(seconds: float) -> str:
    """Unix seconds as XML has them."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def bucket_error(app: AppState, request: Request, error: LakeError) -> S3Error:
    """An error of the lake; where the bucket is missing, it is that which is said."""
    if isinstance(error, NotFoundError) and "repository" in request.path:
        try:
            app.catalog.repository(request.repository)
        except NotFoundError as missing:
            return S3Error(404, "NoSuchBucket", str(missing))
    return errors.of_lake(error)
