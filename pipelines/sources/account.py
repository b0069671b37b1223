"""What reading a source left out or had to find out, so that nothing of it is silent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

EXAMPLES: Final = 5
"""Files that a sentence names."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files of a source that are not read, for one reason."""

    why: str
    """In words that continue "was left out, because it", such as "is no image"."""
    count: int
    examples: tuple[str, ...]
    """The first of their names."""

    def sentence(self) -> str:
        """Say it for a person."""
        more = f" and {self.count - len(self.examples):,} more" if self.count > EXAMPLES else ""
        names = ", ".join(repr(name) for name in self.examples)
        return f"left out {self.count:,}: {names}{more}: {self.why}"

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {"why": self.why, "count": self.count, "examples": list(self.examples)}


@dataclass(frozen=True, slots=True)
class Account:
    """What reading a source left out, or found out about it."""

    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    """Whole sentences, such as that a file is in another encoding than UTF-8."""
    files: tuple[tuple[str, int], ...] = ()
    """Rows of each file, where a source has several."""
    passed_over: tuple[str, ...] = ()
    """Columns that are not used."""
    conditions: tuple[tuple[str, str], ...] = ()
    """What a description says about use: the term of its vocabulary, and the text."""

    def sentences(self) -> list[str]:
        """Say for a person which files are left out, then what was found out."""
        return [*(each.sentence() for each in self.left_out), *self.notes]

    def __add__(self, other: Account) -> Account:
        """Join what two readings say."""
        return Account(
            self.left_out + other.left_out,
            self.notes + other.notes,
            self.files + other.files,
            self.passed_over + other.passed_over,
            self.conditions + other.conditions,
        )


def grouped(refused: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """Group files that are left out by their reason.

    Args:
        refused: name and reason of each.
    """
    by_reason: dict[str, list[str]] = {}
    for name, why in refused:
        by_reason.setdefault(why, []).append(name)
    return tuple(
        LeftOut(why, len(names), tuple(names[:EXAMPLES])) for why, names in by_reason.items()
    )
