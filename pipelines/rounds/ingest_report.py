"""What an ingest did, for a person, for the manifest of round 0, and as a file beside the receipts.

Nothing depends on the file. The manifest holds what a later reader cannot see in the tables: what
was left out, passed over, found out or replaced; where there is nothing to say, it says nothing.
Personal data that is kept can be counted again, so only the file counts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from lake import files
from pipelines.common import console
from pipelines.rounds import receipts
from pipelines.sources import marks
from pipelines.sources.account import Account
from pipelines.sources.columns import LABEL
from pipelines.sources.marks import MarkedPolicy, Marks
from pipelines.sources.personal_data import PersonalData

MOST_LABELS: Final = 1000
"""Labels that are counted by split; the rest is counted together."""
SHOWN: Final = 12
"""Labels that are printed."""
REPEATED: Final = ("left_out", "notes", "conditions", "files")
"""What the manifest says too, where there is something."""
FILE: Final = "ingest"
"""Name of the file beside the receipts."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Near-duplicates among the rows, which are kept in one split."""

    count: int
    """Groups, single rows included."""
    several: int
    """Groups of more than one row."""
    largest: int
    """Rows of the largest group."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did."""

    source: str
    read: int
    """Rows that the source gave; all are kept but those that were taken down."""
    columns: tuple[str, ...]
    """Columns that the lake stores."""
    labels: pl.DataFrame
    """label (String), train, validation, test; empty without labels."""
    splits: dict[str, int]
    groups: Groups
    account: Account
    personal: PersonalData
    marks: Marks = marks.NONE
    marked: MarkedPolicy = "warn"
    denied: int = 0
    """Rows that were taken down, and are left out."""
    uneven: str = ""
    """Which splits have few of the rows asked for, why, and what to do; empty if none has."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "source": self.source,
            "rows": {"read": self.read, "kept": self.read - self.denied}
            | ({"denied": self.denied} if self.denied else {}),
            "columns": {
                "used": list(self.columns),
                "passed_over": list(self.account.passed_over),
            },
            "files": [{"file": name, "rows": rows} for name, rows in self.account.files],
            "left_out": [each.to_dict() for each in self.account.left_out],
            "notes": list(self.account.notes),
            "conditions": dict(self.account.conditions),
            "splits": self.splits,
            "labels": self.labels.head(MOST_LABELS).to_dicts(),
            "labels_count": len(self.labels),
            "near_duplicates": {
                "groups": self.groups.count,
                "of_several_rows": self.groups.several,
                "largest": self.groups.largest,
                **({"uneven": self.uneven} if self.uneven else {}),
            },
            "personal_data": self.personal.to_dict(),
            **marks.section(self.marks, self.marked),
        }

    def section(self) -> dict[str, Any]:
        """The section `ingest` of the manifest of round 0; empty where there is nothing to say."""
        whole = self.to_dict()
        content: dict[str, Any] = {name: whole[name] for name in REPEATED if whole[name]}
        if self.denied:
            content["denied"] = self.denied
        if self.account.passed_over:
            content["passed_over"] = list(self.account.passed_over)
        if self.personal.policy != "report":
            content["personal_data"] = whole["personal_data"]
        return content | marks.section(self.marks, self.marked)


def labels(rows: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of each label by split, the most frequent label first.

    Args:
        rows: the payload and `split`.

    Returns:
        label (String), train, validation, test; no row if there are no labels.
    """
    counts = [(pl.col("split") == name).sum().alias(name) for name in SPLITS]
    if LABEL not in rows.columns:
        return pl.DataFrame(schema={LABEL: pl.String, **dict.fromkeys(SPLITS, pl.UInt32)})
    grouped = rows.group_by(pl.col(LABEL).cast(pl.String)).agg(*counts, pl.len())
    return grouped.sort(["len", LABEL], descending=[True, False]).drop("len")


SPLITS: Final = ("train", "validation", "test")


def tell(report: IngestReport) -> None:
    """Print what an ingest did."""
    sizes = ", ".join(f"{name} {report.splits.get(name, 0):,}" for name in SPLITS)
    console.line(f"read {report.read:,} rows of {report.source}: {sizes}")
    if report.denied:
        console.line(f"{report.denied:,} rows are left out, because they were taken down")
    _tell_account(report.account)
    if len(report.labels):
        _tell_labels(report.labels)
    console.line(
        f"near-duplicates: {report.groups.count:,} groups; {report.groups.several:,} of them of "
        f"several rows, the largest of {report.groups.largest:,}; each is in one split"
    )
    if report.uneven:
        console.line(report.uneven)
    if report.personal.columns:
        console.line(report.personal.sentence())
    if report.marks.counts:
        console.line(report.marks.sentence(report.marked))


def _tell_account(account: Account) -> None:
    if account.passed_over:
        console.line(f"columns not used: {', '.join(account.passed_over)}")
    for line in account.sentences():
        console.line(line)
    if len(account.files) > 1:
        parts = [f"{name} {rows:,}" for name, rows in account.files[:SHOWN]]
        more = len(account.files) - len(parts)
        console.line(f"rows by file: {', '.join(parts)}{f' and {more:,} more' if more else ''}")


def _tell_labels(counts: pl.DataFrame) -> None:
    rows = [[str(value) for value in row] for row in counts.head(SHOWN).iter_rows()]
    console.table(counts.columns, rows)
    if len(counts) > SHOWN:
        console.line(f"and {len(counts) - SHOWN:,} more labels")
    unseen = counts.filter(pl.col("validation") == 0)[LABEL].to_list()
    if unseen:
        names = ", ".join(map(repr, unseen[:SHOWN]))
        console.line(f"no validation row has label {names}, so no figure of a round covers it")


def write(dataset: str, report: IngestReport) -> None:
    """Write the report beside the receipts of round 0."""
    files.write_json(receipts.path(dataset, 0, FILE), report.to_dict())
