"""What can go wrong with a lake, grouped by what the caller would do.

    LakeError
    ├── UnreachableError        nothing answers: start it, or correct the endpoint
    ├── UnauthorizedError       wrong credentials: correct them
    ├── ForbiddenError          not allowed to anyone: do something else
    ├── NotFoundError           no such repository, ref or object
    ├── ConflictError           another process was first: look again, then retry
    ├── PreconditionError       If-None-Match failed: the object is there already
    ├── InvalidError            a value or ref is not valid: correct the call
    │   └── MisconfiguredError  a setting of the lake is not valid: correct it
    ├── RangeError              a byte range outside the object
    ├── TooLargeError           a request beyond the server's limits: make it smaller
    ├── UnsupportedError        lakeFS has this call, this server does not
    ├── FullError               the disk is full or read-only: make room, then retry
    ├── CorruptError            stored bytes are not what was written: restore them
    └── BusyError               another process serves this lake: use that one

`STATUS` is the one table between these errors and HTTP; server and client both read it.
"""

from __future__ import annotations

import json
from typing import ClassVar, Final

from lake.visible import shorten


class LakeError(Exception):
    """Root of this package's errors; the message is one sentence for a person."""

    kind: ClassVar[str] = "lake"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """The message, with long quotations of foreign text shortened."""
        return shorten(super().__str__())


class UnreachableError(LakeError):
    """Nothing answers at the endpoint."""

    kind = "unreachable"


class UnauthorizedError(LakeError):
    """The credentials are missing or wrong."""

    kind = "unauthorized"


class ForbiddenError(LakeError):
    """The lake does not allow this to anyone."""

    kind = "forbidden"


class NotFoundError(LakeError):
    """There is no such repository, ref or object."""

    kind = "not-found"


class ConflictError(LakeError):
    """Something with this name exists, both sides changed a path, or a branch moved."""

    kind = "conflict"


class PreconditionError(LakeError):
    """A condition of the request does not hold."""

    kind = "precondition"


class InvalidError(LakeError):
    """A value, name or ref expression is not valid."""

    kind = "invalid"


class MisconfiguredError(InvalidError):
    """A file or variable that says which lake is meant is not valid."""

    kind = "misconfigured"
    exit_code = 2


class RangeError(LakeError):
    """A byte range lies outside the object; `size` is the object's size in bytes."""

    kind = "range"

    def __init__(self, message: str, size: int = 0) -> None:
        """Keep the object's size for the response's Content-Range."""
        super().__init__(message)
        self.size = size


class TooLargeError(LakeError):
    """A request exceeds the limits of the server."""

    kind = "too-large"


class UnsupportedError(LakeError):
    """A call of the lakeFS API that this server does not have."""

    kind = "unsupported"


class FullError(LakeError):
    """The disk is full or cannot be written."""

    kind = "full"


class CorruptError(LakeError):
    """Stored bytes do not match their checksum."""

    kind = "corrupt"


class BusyError(LakeError):
    """Another process serves this lake."""

    kind = "busy"
    exit_code = 75


STATUS: Final[dict[int, type[LakeError]]] = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: CorruptError,
    412: PreconditionError,
    413: TooLargeError,
    416: RangeError,
    501: UnsupportedError,
    507: FullError,
}
"""HTTP status of each error that travels; 410 is lakeFS's own status where bytes are gone."""


def refused(action: str, status: int | None, body: object, reason: str | None) -> LakeError:
    """The error of an HTTP status, with the server's own message where its body has one.

    Args:
        action: what was asked of the lake, such as "read a.txt at main".
        status: HTTP status.
        body: of the response, as bytes or text.
        reason: phrase beside the status, for where the body has no message.
    """
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        message = json.loads(text).get("message")
    except (AttributeError, ValueError, RecursionError):
        message = None
    error = STATUS.get(status or 0, LakeError)
    if message is None and "<html" in text.lower():
        error = UnreachableError
        message = f"a web page answers ({reason or status}), which is no lakeFS"
    return error(f"the lake refused to {action}: {message or reason or status}")
