"""`expect_column_class_share_ratios_to_be_between`: rare classes keep their real share."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from expectations import gx
from expectations.custom.table import Bounded, Finding, to_compare
from expectations.errors import CannotJudge

VERSION: Final = "class_shares/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnClassShareRatiosToBeBetween(Bounded):
    """Expect each class to have the share among candidates that it has among real rows.

    The observed value is the smallest ratio of a class's share among candidates to its share among
    real rows: 0 if a class is gone. With few rows a rare class may be missing by chance; so
    `min_p_value` bounds the chance of as few rows of a class without a difference (one-sided Fisher
    test, times the number of classes).

    Args:
        column: of classes.
        classes: those that count; not given: all that the real rows have.
        min_value: the least ratio that passes.
        max_value: the largest ratio of any class that passes.
        min_p_value: the least chance that passes.
        against: the name of the rows that are compared with.
    """

    column: str
    classes: list[int | str] | None = gx.Field(default=None, min_items=1)
    min_p_value: float | None = gx.Field(default=None, gt=0, lt=1)
    against: str = "real"

    args_keys: ClassVar[tuple[str, ...]] = ("column", "classes", "min_value", "min_p_value")
    sentence: ClassVar[str] = "$column must have the shares of classes that real rows have"
    phrases: ClassVar[dict[str, str]] = {
        "classes": "classes $classes",
        "min_value": "each at least $min_value times its real share",
        "max_value": "each at most $max_value times its real share",
        "min_p_value": "none rarer than by chance at level $min_p_value",
        "against": "compared with the rows named $against",
    }

    def find(self, candidates: pl.DataFrame, reference: pl.DataFrame | None) -> Finding:
        """Compare the shares of classes."""
        rows = (candidates, to_compare(reference))
        ours, theirs = (frame[self.column].drop_nulls() for frame in rows)
        counts = self._counts(ours, theirs)
        shares = (counts["ours"] / len(ours)) / (counts["theirs"] / len(theirs))
        ratios = shares.to_numpy()
        chance = self._chance(counts, len(ours), len(theirs))
        worst = int(ratios.argmin())
        success = (
            (self.min_value is None or ratios[worst] >= self.min_value)
            and (self.max_value is None or float(ratios.max()) <= self.max_value)
            and (self.min_p_value is None or chance >= self.min_p_value)
        )
        facts = {"class": counts["class"][worst], "largest ratio": float(ratios.max())}
        return Finding(success, float(ratios[worst]), facts | {"p": chance})

    def _counts(self, ours: pl.Series, theirs: pl.Series) -> pl.DataFrame:
        """Count the rows of each class: class, ours, theirs.

        Raises:
            CannotJudge: there is no row, or no real row of a class.
        """
        if ours.is_empty() or theirs.is_empty():
            raise CannotJudge("there is no candidate or no real row with a class")
        left, right = (
            _counted(labels, name) for labels, name in ((ours, "ours"), (theirs, "theirs"))
        )
        wanted = right.select("class")
        if self.classes is not None:
            wanted = pl.DataFrame({"class": [str(name) for name in self.classes]})
        counts = wanted.join(right, on="class", how="left").join(left, on="class", how="left")
        absent = counts.filter(pl.col("theirs").is_null())["class"]
        if len(absent):
            raise CannotJudge(f"no real row has class {absent[0]!r} of column {self.column!r}")
        return counts.fill_null(0).sort("class")

    @staticmethod
    def _chance(counts: pl.DataFrame, ours: int, theirs: int) -> float:
        """Bonferroni-corrected p-value of the rarest class (one-sided Fisher test)."""
        from scipy.stats import hypergeom  # noqa: PLC0415  slow to import

        seen = counts["ours"].to_numpy()
        both: Any = seen + counts["theirs"].to_numpy()
        chances = hypergeom.cdf(seen, ours + theirs, both, ours)
        return min(1.0, float(np.min(chances)) * len(counts))


def _counted(values: pl.Series, name: str) -> pl.DataFrame:
    classes = values.cast(pl.String).alias("class")
    return classes.value_counts(name=name).with_columns(pl.col(name).cast(pl.Int64))
