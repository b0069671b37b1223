"""Rubrics as files: what a judge is told to look at, in parts that can change places.

A rubric is Markdown. What stands above the first heading of the second level is its beginning;
every such heading begins a part. Judges prefer what stands first (position bias), so each vote sees
the parts in another order.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import files
from pipelines.common.errors import ParamsError

FOLDER: Final = Path(__file__).parent / "rubrics"
MOST: Final = 1 << 20
"""Bytes of a rubric."""
_PART: Final = re.compile(r"^(?=## )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rubric:
    """A rubric: its introduction and its parts."""

    beginning: str
    parts: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the rubric, as hex digits."""
        return hashlib.sha256("\n".join([self.beginning, *self.parts]).encode()).hexdigest()

    def rotated(self, vote: int) -> str:
        """The whole as one vote sees it: the first part moves by one place with each vote."""
        first = vote % len(self.parts) if self.parts else 0
        order = [*self.parts[first:], *self.parts[:first]]
        return "\n\n".join([self.beginning, *order])


def place_of(name: str) -> Path:
    """The file of a rubric: a packaged one by its name, any other by its path."""
    packaged = FOLDER / f"{name}.md"
    return packaged if files.is_regular(packaged) else Path(name)


def load(name: str) -> Rubric:
    """Read a rubric.

    Raises:
        ParamsError: there is no such file, or nothing in it.
    """
    try:
        text = files.read_text(place_of(name), MOST).strip()
    except OSError as error:
        packaged = ", ".join(sorted(each.stem for each in FOLDER.glob("*.md")))
        raise ParamsError(
            f"there is no rubric {name!r} ({error.strerror}): give the path of a Markdown file, or "
            f"one of {packaged}"
        ) from error
    if not text:
        raise ParamsError(f"the rubric {name!r} is empty; say in it what is good")
    beginning, *parts = (each.strip() for each in _PART.split(text))
    return Rubric(beginning, tuple(parts))
