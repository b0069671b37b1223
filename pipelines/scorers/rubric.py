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

from pipelines.common.errors import ParamsError
from pipelines.common.packaged_texts import PackagedTexts

FOLDER: Final = Path(__file__).parent / "rubrics"
RUBRICS: Final = PackagedTexts("rubric", "a Markdown file", FOLDER, ".md", ParamsError)
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


def load(name: str) -> Rubric:
    """Read a rubric.

    Raises:
        ParamsError: there is no such file, or nothing in it.
    """
    text = RUBRICS.read(name).strip()
    if not text:
        raise ParamsError(f"the rubric {name!r} is empty; say in it what is good")
    beginning, *parts = (each.strip() for each in _PART.split(text))
    return Rubric(beginning, tuple(parts))
