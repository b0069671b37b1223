"""What a client says must hold, for a path to be written or for bytes to be taken over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lake.errors import InvalidError, PreconditionError
from lake.server.catalog.entries import Entry
from lake.server.storage.hashing import StoredObject

_MD5: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a path for it to be written; nothing by default."""

    absent: bool = False
    """Nothing is there (If-None-Match: *)."""
    etag: str | None = None
    """The object that is there has this MD5 (If-Match); `*` stands for any object."""

    def check(self, path: str, present: Entry | None) -> None:
        """Hold it against what is there.

        Raises:
            PreconditionError: it does not hold.
        """
        if self.absent and present is not None:
            raise PreconditionError(f"{path!r} exists already")
        if self.etag is not None and (present is None or self.etag not in ("*", present.md5)):
            found = f"its ETag is {present.md5}" if present else "there is none"
            raise PreconditionError(f"{path!r} is not the object of If-Match: {found}")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a client says of bytes that it wrote: MD5 (hex) and size, where it says anything.

    Other checksums, as stores of other kinds have them, are passed over.
    """

    md5: object = None
    size: object = None

    def check(self, path: str, stored: StoredObject) -> None:
        """Hold it against the bytes.

        Raises:
            InvalidError: they are others.
        """
        if isinstance(self.size, int) and self.size not in (0, stored.size):
            raise InvalidError(f"{path!r} has {stored.size} bytes, and not {self.size}")
        said = self.md5.strip('"').lower() if isinstance(self.md5, str) else ""
        if _MD5.fullmatch(said) and said != stored.md5:
            raise InvalidError(f"{path!r} has the MD5 {stored.md5}, and not {said}")


ALWAYS: Final = Condition()
ANY_BYTES: Final = Expected()
"""No word about bytes."""
