"""Entries: what a path points to, which trees hold and diffs compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_core import from_json

Packed = list[Any]
"""The JSON form of an entry: its fields in order, the metadata only where there is some."""
_PACKED_TYPES: Final = (str, str, int, int, str)
"""Types of the packed fields, before the metadata."""
_DAMAGED: Final = "a staged entry of the lake's catalog is damaged"
PACKED_FIELDS: Final = (len(_PACKED_TYPES), len(_PACKED_TYPES) + 1)
"""How many fields a packed entry has, without and with metadata."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object under a path: sha256 and md5 (hex), size in bytes, unix seconds, type, metadata."""

    sha256: str
    md5: str
    size: int
    mtime: int
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def same(self, other: Entry | None) -> bool:
        """Whether two entries are the same object to a diff, whatever their time and address."""
        return other is not None and (
            (self.size, self.md5, self.content_type) == (other.size, other.md5, other.content_type)
            and dict(self.metadata) == dict(other.metadata)
        )

    def pack(self) -> Packed:
        """The JSON form."""
        head = [self.sha256, self.md5, self.size, self.mtime, self.content_type]
        return [*head, dict(self.metadata)] if self.metadata else head


def unpack(packed: Packed) -> Entry:
    """Read the JSON form."""
    sha256, md5, size, mtime, content_type, *metadata = packed
    return Entry(sha256, md5, size, mtime, content_type, *metadata)


def read_text(text: str) -> Packed:
    """The packed entry in the JSON by which it is staged.

    Raises:
        ValueError: it is none.
    """
    return _checked(from_json(text))


def read_texts(texts: Sequence[str]) -> list[Packed]:
    """As `read_text`, of many at once, which takes half of the time.

    Raises:
        ValueError: one of them is none.
    """
    values = from_json(f"[{','.join(texts)}]")
    if len(values) != len(texts):
        raise ValueError(_DAMAGED)
    return list(map(_checked, values))


def _checked(packed: Any) -> Packed:  # noqa: ANN401  JSON
    if type(packed) is not list or len(packed) not in PACKED_FIELDS:
        raise ValueError(_DAMAGED)
    return packed if packed[-1] != {} else packed[:-1]


def is_packed(value: object) -> bool:
    """Whether a value is the JSON form of an entry."""
    if not isinstance(value, list) or len(value) not in PACKED_FIELDS:
        return False
    metadata = value[len(_PACKED_TYPES)] if len(value) > len(_PACKED_TYPES) else {}
    return (
        tuple(map(type, value[: len(_PACKED_TYPES)])) == _PACKED_TYPES
        and isinstance(metadata, dict)
        and all(isinstance(text, str) for text in metadata.values())
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that differs: the entry on each side, None where it is absent."""

    path: str
    left: Entry | None
    right: Entry | None
    conflict: bool = False

    @property
    def kind(self) -> str:
        """The type of the change, as the API calls it."""
        if self.conflict:
            return "conflict"
        if self.left is None:
            return "added"
        return "removed" if self.right is None else "changed"
