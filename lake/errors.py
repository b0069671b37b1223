"""What can go wrong with a lake, grouped by what the caller would do.

    LakeError
    ├── Unreachable    nothing answers: start it, or correct the endpoint
    ├── Unauthorized   wrong credentials: correct them
    ├── Forbidden      not allowed to anyone: do something else
    ├── NotFound       no such repository, ref or object
    ├── Conflict       somebody else was there first: look again, then retry
    ├── Precondition   If-None-Match failed: the object is there already
    ├── Invalid        a value or ref that cannot be right: correct the call
    │   └── Misconfigured  a setting of the lake cannot be right: correct it
    ├── Range          a byte range outside the object
    ├── TooLarge       a request beyond the server's limits: make it smaller
    ├── Unsupported    lakeFS has this call, this server does not
    ├── Full           the disk is full or read-only: make room, then retry
    ├── Corrupt        stored bytes are not what was written: restore them
    └── Busy           another process serves this lake: use that one

`STATUS` is the one table between these errors and HTTP; server and client both read it.
"""

from __future__ import annotations

import json
from typing import ClassVar, Final

from lake.visible import brief


class LakeError(Exception):
    """Root of this package's errors; the message is one sentence for a person."""

    kind: ClassVar[str] = "lake"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """The message, which quotes no more of foreign texts than a person reads."""
        return brief(super().__str__())


class Unreachable(LakeError):  # noqa: N818  named by what happened
    """Nothing answers at the endpoint."""

    kind = "unreachable"


class Unauthorized(LakeError):  # noqa: N818
    """The credentials are missing or wrong."""

    kind = "unauthorized"


class Forbidden(LakeError):  # noqa: N818
    """The lake allows this to nobody."""

    kind = "forbidden"


class NotFound(LakeError):  # noqa: N818
    """There is no such repository, ref or object."""

    kind = "not-found"


class Conflict(LakeError):  # noqa: N818
    """Something with this name exists, both sides changed a path, or a branch moved."""

    kind = "conflict"


class Precondition(LakeError):  # noqa: N818
    """A condition of the request does not hold."""

    kind = "precondition"


class Invalid(LakeError):  # noqa: N818
    """A value, name or ref expression that cannot be right."""

    kind = "invalid"


class Misconfigured(Invalid):
    """A file or variable that says which lake is meant."""

    kind = "misconfigured"
    exit_code = 2


class Range(LakeError):  # noqa: N818
    """A byte range outside the object; `size` is the object's size in bytes."""

    kind = "range"

    def __init__(self, message: str, size: int = 0) -> None:
        """Keep the object's size for the answer's Content-Range."""
        super().__init__(message)
        self.size = size


class TooLarge(LakeError):  # noqa: N818
    """A request beyond the limits of the server."""

    kind = "too-large"


class Unsupported(LakeError):  # noqa: N818
    """A call of the lakeFS API that this server does not have."""

    kind = "unsupported"


class Full(LakeError):  # noqa: N818
    """The disk is full or cannot be written."""

    kind = "full"


class Corrupt(LakeError):  # noqa: N818
    """Stored bytes do not match their checksum."""

    kind = "corrupt"


class Busy(LakeError):  # noqa: N818
    """Another process serves this lake."""

    kind = "busy"
    exit_code = 75


STATUS: Final[dict[int, type[LakeError]]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Corrupt,
    412: Precondition,
    413: TooLarge,
    416: Range,
    501: Unsupported,
    507: Full,
}
"""HTTP status of each error that travels; 410 is lakeFS's own answer where bytes are gone."""


def refused(action: str, status: int | None, body: object, reason: str | None) -> LakeError:
    """The error of an HTTP status, with the server's own message where its body has one."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        said = json.loads(text).get("message")
    except (AttributeError, ValueError, RecursionError):
        said = None
    kind = STATUS.get(status or 0, LakeError)
    if said is None and "<html" in text.lower():
        kind, said = Unreachable, f"a web page answers ({reason or status}), which is no lakeFS"
    return kind(f"the lake refused to {action}: {said or reason or status}")
