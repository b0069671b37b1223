"""Values of a diff as short texts, in which characters that do not print are not marked yet."""

from __future__ import annotations


def text(value: object, limit: int) -> str:
    """Cut a value to at most `limit` characters; bytes are shown as hex digits."""
    shown = value.hex() if isinstance(value, bytes) else str(value)
    return shown[:limit] + ("…" if len(shown) > limit else "")
