"""The values of a data diff: of one data set, or of any table with a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import polars as pl

from lineage.evidence import UNOBJECTIONABLE, severity
from pipelines.gate.reviewed_head import ReviewedHead
from pipelines.gate.rule_changes import RuleChanges
from review.diff.columns import Schemas
from review.diff.rows import RowChanges
from review.diff.shift import Shift

ORDER: Final = ("removed", "changed", "decision", "verdict", "parents", "refused", "added")
"""Changes in the order in which a reviewer looks at them."""
DECISIONS: Final = ("accepted", "rejected", "duplicate")
"""Decisions that every round counts; `surplus` is counted by one that ends with so many."""
MEANINGS: Final[Mapping[str, str]] = {
    "removed": "an accepted sample is gone",
    "changed": "an accepted sample has another payload",
    "decision": "the same candidate is decided otherwise",
    "verdict": "an expectation judges the same candidate otherwise",
    "parents": "the same candidate has other parents",
    "refused": "a new candidate is rejected, repeats another, or is more than was asked for",
    "added": "an accepted sample is new",
}


@dataclass(frozen=True, slots=True)
class RoundChange:
    """The changes in one round: accepted samples by change, candidates by decision, the guard."""

    round: int
    samples: dict[str, int]
    """Accepted samples by change: added, removed, changed."""
    decisions: dict[str, int]
    """Candidates of the right side by decision; surplus, where the round ends with so many."""
    guard: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a data set: its size, its distance from real data, and its figures."""

    commit: str
    rounds: list[int]
    samples: int
    real_share: float | None
    real_inputs: float | None
    depth_mean: float | None
    depth_max: int | None
    generations: dict[int, int]
    """Accepted rows by generation, which is `depth_mean` rounded half up."""
    founders: float | None
    """Founder equivalents over the accepted rows (Lacy 1989)."""
    figures: dict[str, float | None]
    """The summary of the last round's metrics."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric with the ends of its 95 % interval, where it has one."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the last round of either side."""

    name: str
    before: Interval | None
    after: Interval | None

    @property
    def apart(self) -> bool:
        """Whether both sides have an interval and the intervals do not overlap."""
        ends = self._ends
        return ends is not None and (ends[1] < ends[2] or ends[3] < ends[0])

    @property
    def moved(self) -> float:
        """Difference of the values in widths of the wider interval; 0 where that is unknown."""
        ends, old, new = self._ends, self.before, self.after
        if ends is None or old is None or new is None or None in (old.value, new.value):
            return 0.0
        width = max(ends[1] - ends[0], ends[3] - ends[2])
        return abs((new.value or 0.0) - (old.value or 0.0)) / width if width else 0.0

    @property
    def _ends(self) -> tuple[float, float, float, float] | None:
        """Low and high of both sides, or None where one is missing."""
        old, new = self.before, self.after
        if old is None or new is None or old.low is None or old.high is None:
            return None
        return (
            None if new.low is None or new.high is None else (old.low, old.high, new.low, new.high)
        )


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the guard whose verdict differs, or is not `pass` on the right side."""

    name: str
    before: str | None
    after: str | None
    value_before: float | None
    value_after: float | None
    limit: str | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Guard:
    """The guard's verdict on the last round of either side."""

    before: str | None
    after: str | None
    checks: tuple[Check, ...]

    @property
    def objections(self) -> tuple[Check, ...]:
        """The checks that object to the right side, the worst first."""
        objecting = (check for check in self.checks if check.after not in UNOBJECTIONABLE)
        return tuple(sorted(objecting, key=lambda check: severity(check.after)))

    def count(self, verdict: str) -> int:
        """Count the checks with a verdict on the right side."""
        return sum(check.after == verdict for check in self.checks)


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of the differing rounds by unit: seconds, dollars, tokens and so on."""

    before: dict[str, float]
    after: dict[str, float]
    stages: dict[str, dict[str, float]]
    """Cost of the right side by stage, then by unit."""


@dataclass(frozen=True, slots=True, eq=False)
class DataDiff:
    """The difference of one data set, or of any other table, between two sides.

    Of a table that is no data set of Stemma's, the attributes from `conflicts` on keep their
    defaults.
    """

    dataset: str
    key: tuple[str, ...]
    objects: dict[str, dict[str, int]]
    """Number of objects by table and change: added, removed, changed, or in conflict."""
    changes: dict[str, int]
    """Number of rows by change, as in `ORDER`."""
    samples: RowChanges | None
    """The row diff of the samples, or of the table; None where no part differs."""
    schema: Schemas
    columns: tuple[Shift, ...]
    reference: str
    """A phrase that says what the right side's columns are compared with."""
    rows: pl.DataFrame
    """Rows that differ, in the order of `ORDER`: change, round, row, sample_id or the key, columns
    that differ, before and after (decision, verdict or parents), decision, reasons, and left_at and
    right_at, the row's positions in `before` and `after`."""
    before: pl.LazyFrame
    """The differing parts of the left side."""
    after: pl.LazyFrame
    """The differing parts of the right side."""
    conflicts: list[str] = field(default_factory=list)
    """Paths that both sides changed; a merge would stop at them."""
    rounds: list[RoundChange] = field(default_factory=list)
    left: Side | None = None
    right: Side | None = None
    quality: tuple[Metric, ...] = ()
    guard: Guard | None = None
    cost: Cost | None = None
    rules: tuple[RuleChanges, ...] = ()
    """The rules of the right side's differing rounds that changed: suite, limits, added checks."""
    head: ReviewedHead | None = None
    """The branch's head that is the right side, held against what publishing it would take."""
    notes: tuple[str, ...] = ()
    """Sentences about what could not be determined, and why."""
    open_candidates: Callable[[int], pl.LazyFrame | None] | None = None
    """Opens the candidates of a round of the right side, which the samples are chosen from."""

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.objects and not self.rows.height

    def to_dict(self, *, rows: bool = False) -> dict[str, Any]:
        """The content of `--json`; with `rows`, also each differing row, with bytes in hex."""
        content: dict[str, Any] = {
            "key": list(self.key),
            "objects": self.objects,
            "conflicts": self.conflicts,
            "rounds": [asdict(entry) for entry in self.rounds],
            "left": asdict(self.left) if self.left else None,
            "right": asdict(self.right) if self.right else None,
            "changes": self.changes,
            "samples": self.samples.to_dict() if self.samples else None,
            "schema": self.schema.to_dict(),
            "reference": self.reference,
            "columns": [entry.to_dict() for entry in self.columns],
            "quality": [asdict(entry) | {"apart": entry.apart} for entry in self.quality],
            "guard": asdict(self.guard) if self.guard else None,
            "cost": asdict(self.cost) if self.cost else None,
            "rules": [entry.to_dict() for entry in self.rules],
            "head": asdict(self.head) if self.head else None,
            "notes": list(self.notes),
        }
        if rows:
            content["rows"] = plain(self.rows.drop("left_at", "right_at")).to_dicts()
        return content


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Convert values that JSON lacks: bytes to hex digits, dates and times to text."""
    binary = [name for name, dtype in frame.schema.items() if dtype == pl.Binary]
    temporal = [name for name, dtype in frame.schema.items() if dtype.is_temporal()]
    return frame.with_columns(pl.col(binary).bin.encode("hex"), pl.col(temporal).cast(pl.String))
