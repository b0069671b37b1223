"""What a data diff says, as frozen values: of one data set, or of any table with a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from review.diff.columns import Schemas
from review.diff.rows import RowChanges
from review.diff.shift import Shift

ORDER: Final = ("removed", "changed", "decision", "verdict", "parents", "refused", "added")
"""What a reviewer looks at first."""
MEANINGS: Final[Mapping[str, str]] = {
    "removed": "an accepted sample is gone",
    "changed": "an accepted sample has another payload",
    "decision": "the same candidate is decided otherwise",
    "verdict": "an expectation judges the same candidate otherwise",
    "parents": "the same candidate has other parents",
    "refused": "a new candidate is rejected, or repeats another",
    "added": "an accepted sample is new",
}


@dataclass(frozen=True, slots=True)
class RoundChange:
    """What changes in one round: accepted samples by change, candidates by decision, the guard."""

    round: int
    samples: dict[str, int]
    """Accepted samples: added, removed, changed."""
    decisions: dict[str, int]
    """Candidates of the right side: accepted, rejected, duplicate."""
    guard: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a data set: how much there is, how far from real data, how good."""

    commit: str
    rounds: list[int]
    samples: int
    real_share: float | None
    real_inputs: float | None
    depth_mean: float | None
    depth_max: int | None
    generations: dict[int, int]
    """Accepted rows of each generation: `depth_mean` rounded, halves up."""
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
        """Whether both sides have an interval, and these do not meet."""
        ends = self._ends
        return ends is not None and (ends[1] < ends[2] or ends[3] < ends[0])

    @property
    def moved(self) -> float:
        """How far the value moved, in widths of the wider interval; 0 where that is unknown."""
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
    """A check of the guard whose verdict differs, or is no pass on the right."""

    name: str
    before: str | None
    after: str | None
    value_before: float | None
    value_after: float | None
    limit: str | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Guard:
    """What the guard said of the last round of either side."""

    before: str | None
    after: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the rounds that differ took, by unit: seconds, dollars, tokens …."""

    before: dict[str, float]
    after: dict[str, float]
    stages: dict[str, dict[str, float]]
    """Of the right side, by stage."""


@dataclass(frozen=True, slots=True, eq=False)
class DataDiff:
    """The difference of one data set, or of a table, between two sides.

    Attributes of a table that is not Stemma's: rounds are empty, sides and guard are None.
    """

    dataset: str
    key: tuple[str, ...]
    objects: dict[str, dict[str, int]]
    """For each table the objects added, removed, changed, and in conflict."""
    conflicts: list[str]
    """Paths that both sides changed; a merge would stop at them."""
    rounds: list[RoundChange]
    left: Side | None
    right: Side | None
    changes: dict[str, int]
    """Rows by change, as in `ORDER`."""
    samples: RowChanges | None
    """The row diff of the samples, or of the table; None where no part differs."""
    schema: Schemas
    columns: tuple[Shift, ...]
    reference: str
    """What the right side's columns are compared with, in words."""
    quality: tuple[Metric, ...]
    guard: Guard | None
    cost: Cost | None
    notes: tuple[str, ...]
    """What could not be found out, and why."""
    rows: pl.DataFrame
    """Rows that differ, in the order of `ORDER`: change, round, row, sample_id or the key, columns
    that differ, before and after (decision, verdict or parents), decision, reasons, and left_at and
    right_at, the row's positions in `before` and `after`."""
    before: pl.LazyFrame
    """The parts that differ, on the left."""
    after: pl.LazyFrame
    made: Callable[[int], pl.LazyFrame | None] | None = None
    """Opens the candidates of a round of the right side, which the samples are chosen from."""

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.objects and not self.rows.height

    def to_dict(self, *, rows: bool = False) -> dict[str, Any]:
        """As JSON; with `rows`, each row that differs, its bytes in hex."""
        found: dict[str, Any] = {
            "key": list(self.key),
            "objects": self.objects,
            "conflicts": self.conflicts,
            "rounds": [asdict(each) for each in self.rounds],
            "left": asdict(self.left) if self.left else None,
            "right": asdict(self.right) if self.right else None,
            "changes": self.changes,
            "samples": self.samples.to_dict() if self.samples else None,
            "schema": self.schema.to_dict(),
            "reference": self.reference,
            "columns": [each.to_dict() for each in self.columns],
            "quality": [asdict(each) | {"apart": each.apart} for each in self.quality],
            "guard": asdict(self.guard) if self.guard else None,
            "cost": asdict(self.cost) if self.cost else None,
            "notes": list(self.notes),
        }
        if rows:
            found["rows"] = plain(self.rows.drop("left_at", "right_at")).to_dicts()
        return found


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame whose values JSON has: bytes in hex, what JSON lacks as text."""
    names = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    times = [name for name, kind in frame.schema.items() if kind.is_temporal()]
    return frame.with_columns(pl.col(names).bin.encode("hex"), pl.col(times).cast(pl.String))
