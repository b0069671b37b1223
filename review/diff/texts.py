"""Values of a diff as short texts, in which characters that do not print are not marked yet."""

from __future__ import annotations


def text(value: object, limit: int) -> str:
    """Cut a value to at most `limit` characters; bytes are shown as hex digits."""
    found = value.hex() if isinstance(value, bytes) else str(value)
    return found[:limit] + ("…" if len(found) > limit else "")
