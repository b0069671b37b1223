"""What is kept of the verdicts of a round while they are given and written block by block.

The verdicts that passed are counted alone. Those that did not are few as a rule, and are what
people want to see; all of them are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from lineage.curation import not_passed
from lineage.schema import VERDICTS

WORDS: Final = ("passed", "failed", "unknown")


@dataclass(slots=True)
class Tally:
    """The verdicts of a round, counted."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By expectation and verdict."""
    levels: dict[str, str] = field(default_factory=dict)
    """By expectation, row or table."""
    severities: dict[str, str] = field(default_factory=dict)
    _against: list[pl.DataFrame] = field(default_factory=list)

    def add(self, verdicts: pl.DataFrame) -> None:
        """Count the verdicts of a block, as `lineage.schema.VERDICTS`."""
        whole = pl.col("row").is_null()
        counted = verdicts.group_by("expectation", maintain_order=True).agg(
            pl.col("severity").first(),
            whole.all().alias("whole"),
            *((pl.col("verdict") == word).sum().alias(word) for word in WORDS),
        )
        for name, severity, is_whole, *numbers in counted.iter_rows():
            self.severities[name] = severity
            self.levels[name] = "table" if is_whole else "row"
            before = self.counts.setdefault(name, dict.fromkeys(WORDS, 0))
            for word, number in zip(WORDS, numbers, strict=True):
                before[word] += number
        self._against.append(verdicts.filter(not_passed() | whole))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Count verdicts per expectation, with severity and level (row or table)."""
        return {
            name: {"severity": self.severities[name], "level": self.levels[name], **counts}
            for name, counts in self.counts.items()
        }

    def totals(self) -> dict[str, int]:
        """Count the verdicts of all expectations, in order of the words; none that is 0."""
        found = {word: sum(each[word] for each in self.counts.values()) for word in sorted(WORDS)}
        return {word: number for word, number in found.items() if number}

    def against(self) -> pl.DataFrame:
        """The verdicts that did not pass, and those on the whole round, in their order."""
        if not self._against:
            return VERDICTS.to_frame()
        if len(self._against) > 1:
            self._against = [pl.concat(self._against)]
        return self._against[0]
