"""What an exception says of a program: a short message, and the limit that it ran into."""

from __future__ import annotations

import errno
from typing import Final

LONGEST: Final = 300
"""Characters of a message."""
CAUSES: Final = {
    errno.EAGAIN: "processes",
    errno.ECONNREFUSED: "network",
    errno.ENETUNREACH: "network",
    errno.EAFNOSUPPORT: "network",
    errno.EROFS: "files",
    errno.EACCES: "files",
    errno.EPERM: "files",
    errno.EFBIG: "file size",
    errno.ENOSPC: "file size",
    errno.ENOMEM: "memory",
}
"""What the number of an OSError tells of the limit that was run into."""


def told(error: BaseException) -> str:
    """An exception in short."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001  whatever it raises
        text = ""
    return clean(f"{type(error).__name__}: {text}").rstrip(": ")


def clean(text: str) -> str:
    """A message that is short and can be stored: half surrogates become escapes."""
    return text[:LONGEST].encode("utf-8", "backslashreplace").decode("utf-8")


def cause(error: BaseException) -> str:
    """What an exception tells of the limit that it ran into; "failed" if of none."""
    seen: BaseException | None = error
    for _ in range(LONGEST):  # causes may go round in a circle
        if seen is None:
            break
        if isinstance(seen, MemoryError):
            return "memory"
        if isinstance(seen, OSError):
            if type(seen).__name__ == "gaierror":
                return "network"
            if seen.errno in CAUSES:
                return CAUSES[seen.errno]
        if isinstance(seen, RuntimeError) and "start new thread" in str(seen):
            return "processes"
        seen = seen.__cause__ or seen.__context__
    return "failed"
