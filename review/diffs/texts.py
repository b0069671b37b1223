"""Foreign text as it may be shown: cut, and without what moves a cursor or turns the writing."""

from __future__ import annotations

LOST = "�"


def text(value: object, limit: int) -> str:
    """A value as visible text of at most some characters; bytes in hex."""
    found = value.hex() if isinstance(value, bytes) else str(value)
    return visible(found[:limit]) + ("…" if len(found) > limit else "")


def visible(value: str) -> str:
    """A text in which each character that does not print is replaced, but for line breaks."""
    return "".join(each if each.isprintable() or each == "\n" else LOST for each in value)
