"""What an ingest left out, passed over and found, as it is said of a round long after.

The report lies beside the receipts, on which nothing depends, so it can be of another ingest, or
gone; then the manifest of the round says what it holds of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.common.errors import StaleError
from pipelines.rounds import ingest_report, receipts
from pipelines.rounds.manifest import ARRIVALS

SHOWN: Final = 5
"""Columns and reasons that a sentence names."""
NOTES: Final = 3
"""Notes that a sentence has."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class LeftOut(_Part):
    """Files that were not read, for one reason."""

    why: str
    count: int
    examples: tuple[str, ...] = ()

    def phrase(self) -> str:
        """Name the first file and the reason."""
        first = repr(self.examples[0]) if self.examples else "unnamed"
        more = f" and {self.count - 1:,} more" if self.count > 1 else ""
        return f"{first}{more} ({self.why})"


class Personal(_Part):
    """Personal data that was found."""

    policy: str
    counts: dict[str, int] = {}
    rows: int = 0
    missing: str | None = None
    """The library without which nothing was scanned."""


class Marked(_Part):
    """Images with marks of generators."""

    policy: str = "warn"
    images: int = 0
    generated: int = 0
    counts: dict[str, int] = {}
    examples: tuple[str, ...] = ()


class IngestSummary(_Part):
    """What is worth saying of an ingest."""

    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()
    personal_data: Personal | None = None
    marks: Marked | None = None
    gone: int = 0
    """Real rows that a later state of the source does not give any more."""

    @classmethod
    def of(cls, content: object) -> Self:
        """Read a report, or a manifest's section; what is damaged says nothing."""
        if not isinstance(content, Mapping):
            return cls()
        columns = content.get("columns")
        own = {"passed_over": columns.get("passed_over")} if isinstance(columns, Mapping) else {}
        rows = content.get("rows")
        own |= {"gone": rows["gone"]} if isinstance(rows, Mapping) and rows.get("gone") else {}
        try:
            return cls.model_validate({**own, **content})
        except ValidationError:
            return cls()

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values; empty where there is no report."""
        return self.model_dump(mode="json", exclude_unset=True)

    def sentence(self) -> str | None:
        """Say it in a line; None if there is nothing to say."""
        parts = [*self._files(), *self._columns(), *self._personal(), *self._marked()]
        if self.gone:
            parts.append(f"{self.gone:,} real rows are gone from the source, and stay")
        if self.notes:
            more = len(self.notes) - NOTES
            parts += [*self.notes[:NOTES], *([f"{more:,} more notes"] if more > 0 else [])]
        return "; ".join(parts) or None

    def _files(self) -> list[str]:
        if not self.left_out:
            return []
        count = sum(each.count for each in self.left_out)
        reasons = ", ".join(each.phrase() for each in self.left_out[:SHOWN])
        return [f"{count:,} {'file' if count == 1 else 'files'} left out: {reasons}"]

    def _columns(self) -> list[str]:
        if not self.passed_over:
            return []
        more = len(self.passed_over) - SHOWN
        named = ", ".join(self.passed_over[:SHOWN])
        return [f"columns not used: {named}{f' and {more:,} more' if more > 0 else ''}"]

    def _personal(self) -> list[str]:
        personal = self.personal_data
        if personal is None:
            return []
        if personal.missing is not None:
            return ["personal data was not looked for"]
        if not personal.counts:
            return []
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(personal.counts.items()))
        rows = "1 row" if personal.rows == 1 else f"{personal.rows:,} rows"
        return [f"personal data: {kinds} in {rows} (pii: {personal.policy})"]

    def _marked(self) -> list[str]:
        marks = self.marks
        if marks is None or not marks.generated:
            return []
        named = ", ".join(f"{name} {count:,}" for name, count in marks.counts.items())
        remedy = "" if marks.policy == "keep" else "; take them out, or set ingest.marked to keep"
        count = f"{marks.generated:,} of {marks.images:,}"
        return [f"{count} images have marks of generators ({named}){remedy}"]


def read(dataset: str, number: int, manifest: Mapping[str, Any]) -> IngestSummary:
    """Read what the ingest of a round did.

    Args:
        dataset: the data set's name.
        number: of the round.
        manifest: of the round in the lake.

    Returns:
        The report beside the receipts, if its rows are split as those of the round are; else what
        the manifest holds of it, which has less.
    """
    counts = manifest.get("counts", {})
    try:
        content = receipts.read_json(receipts.path(dataset, number, ingest_report.FILE))
    except StaleError:
        content = {}
    split = content.get("splits")
    if isinstance(split, dict) and all(
        counts.get(name) == split.get(name) for name in ingest_report.SPLITS
    ):
        return IngestSummary.of(content)
    return IngestSummary.of(manifest.get("ingest") or manifest.get(ARRIVALS) or {})
