"""Where an S3 request points: a bucket is a repository, a key a ref and a path of it."""

from __future__ import annotations

from typing import Final

from lake.keys import Role
from lake.server.http import permissions
from lake.server.http.app_state import AppState
from lake.server.http.requests import Request
from lake.server.s3.errors import S3Error, not_implemented

META: Final = "x-amz-meta-"
_UNUSED: Final = (
    *("x-amz-tagging", "x-amz-website-redirect-location", "cache-control", "content-disposition"),
    *("content-language", "expires", "x-amz-request-payer", "x-amz-mfa"),
)
_UNUSED_BEGIN: Final = (
    *("x-amz-server-side-encryption", "x-amz-object-lock", "x-amz-grant-", "x-amz-copy-source-"),
    *("x-amz-write-offset", "x-amz-if-match-"),
)
_WITH_ONE_VALUE: Final = {
    "x-amz-storage-class": ("STANDARD",),
    "x-amz-acl": ("private", "bucket-owner-full-control"),
    "content-encoding": ("", "identity"),
}
"""Headers that say what is so anyway; with another value they are refused."""


def target(request: Request) -> tuple[str, str]:
    """Ref and path of the request's key.

    Raises:
        S3Error: the key names no object of a ref.
    """
    return split(request.path["key"])


def split(key: str) -> tuple[str, str]:
    """Ref and path of a key.

    Raises:
        S3Error: the key names no object of a ref.
    """
    ref, slash, path = key.partition("/")
    if not (ref and slash and path):
        raise S3Error(404, "NoSuchKey", f"{key!r} names no object: a key is REF/PATH")
    return ref, path


def check_change(app: AppState, request: Request, branch: str) -> None:
    """Refuse a change for its key, a read-only repository, or a branch that is protected or gone.

    Raises:
        LakeError: it is not allowed, or there is no such branch.
    """
    permissions.check(app, request, Role.WRITER)
    app.catalog.check_writable(request.repository)
    app.settings.check_direct_change(request.repository, branch)
    app.versions.head(request.repository, branch)


def check_used(request: Request) -> None:
    """Refuse headers of an upload that say something which would not be kept.

    Raises:
        S3Error: there is one.
    """
    for name, value in request.headers.items():
        if name in _UNUSED or name.startswith(_UNUSED_BEGIN):
            raise not_implemented(f"the header {name}")
        allowed = _WITH_ONE_VALUE.get(name)
        if allowed is not None:
            parts = [part.strip() for part in value.split(",")]
            if any(part not in allowed for part in parts if part != "aws-chunked"):
                raise not_implemented(f"{name}: {value}")
