"""What can go wrong with a lake, grouped by what the caller would do.

    LakeError
    ├── UnreachableError        nothing answers: start it, or correct the endpoint
    ├── UnauthorizedError       wrong credentials: correct them
    ├── ForbiddenError          not allowed to anyone: do something else
    ├── NotFoundError           no such repository, ref or object
    ├── ConflictError           another process was first: look again, then retry
    ├── PreconditionError       If-None-Match failed: the object is there already
    ├── InvalidError            a value or ref is not valid: correct the call
    │   ├── AmbiguousError      a name is a branch's and a tag's: name the commit
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

from lake.exit_codes import ExitCode
from lake.visible import shorten


class UserError(Exception):
    """What the roots of all packages that stand on this one share.

    The message is one sentence for a person. A class names its `kind`, which never changes, and its
    `exit_code` where it has another than its parent: `class Lost(LakeError, kind="lost")`.
    """

    kind: ClassVar[str] = "user"
    exit_code: ClassVar[int] = ExitCode.FAILED

    def __init_subclass__(cls, *, kind: str | None = None, exit_code: int | None = None) -> None:
        """Set the kind and the exit code of a class that names them; else it has its parent's."""
        super().__init_subclass__()
        cls.kind = cls.kind if kind is None else kind
        cls.exit_code = cls.exit_code if exit_code is None else exit_code

    def __str__(self) -> str:
        """The message, with long quotations of foreign text shortened."""
        return shorten(super().__str__())


class LakeError(UserError, kind="lake"):
    """Root of this package's errors."""


class UnreachableError(LakeError, kind="unreachable"):
    """Nothing answers at the endpoint."""


class UnauthorizedError(LakeError, kind="unauthorized"):
    """The credentials are missing or wrong."""


class ForbiddenError(LakeError, kind="forbidden"):
    """The lake does not allow this to anyone."""


class NotFoundError(LakeError, kind="not-found"):
    """There is no such repository, ref or object."""


class UnknownRefError(NotFoundError, kind="unknown-ref", exit_code=ExitCode.USAGE):
    """A ref that somebody named does not exist; the message names the nearest that does."""


class ConflictError(LakeError, kind="conflict"):
    """Something with this name exists, both sides changed a path, or a branch moved."""


class PreconditionError(LakeError, kind="precondition"):
    """A condition of the request does not hold."""


class InvalidError(LakeError, kind="invalid"):
    """A value, name or ref expression is not valid."""


class AmbiguousError(InvalidError, kind="ambiguous", exit_code=ExitCode.USAGE):
    """A branch and a tag of a round have the same name."""


class MisconfiguredError(InvalidError, kind="misconfigured", exit_code=ExitCode.USAGE):
    """A file or variable that says which lake is meant is not valid."""


class RangeError(LakeError, kind="range"):
    """A byte range lies outside the object; `size` is the object's size in bytes."""

    def __init__(self, message: str, size: int = 0) -> None:
        """Keep the object's size for the response's Content-Range."""
        super().__init__(message)
        self.size = size


class TooLargeError(LakeError, kind="too-large"):
    """A request exceeds the limits of the server."""


class UnsupportedError(LakeError, kind="unsupported"):
    """A call of the lakeFS API that this server does not have."""


class FullError(LakeError, kind="full"):
    """The disk is full or cannot be written."""


class CorruptError(LakeError, kind="corrupt"):
    """Stored bytes do not match their checksum."""


class BusyError(LakeError, kind="busy", exit_code=ExitCode.TRY_AGAIN):
    """Another process serves this lake."""


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
