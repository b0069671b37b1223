"""Values of a diff as short texts; whoever shows one marks what does not print in it."""

from __future__ import annotations


def text(value: object, limit: int) -> str:
    """A value as a text of at most some characters; bytes in hex."""
    found = value.hex() if isinstance(value, bytes) else str(value)
    return found[:limit] + ("…" if len(found) > limit else "")
