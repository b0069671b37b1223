"""How far reviewers agree about samples: Krippendorff's alpha for nominal data.

Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: with o(c, k) the number
of pairs of values c and k within samples, each divided by the sample's number of values less one,
n(c) the sum of o(c, k) over k, and n the sum of all,

    alpha = 1 - (n - 1) * sum of o(c, k) over c != k / sum of n(c) n(k) over c != k
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.reviewing.decisions import WITHDRAW


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of reviewers about the samples that two or more of them decided on."""

    samples: int
    reviewers: int
    alpha: float | None
    """None: all values are the same, so chance cannot be told from agreement."""


def of_table(reviewed: pl.DataFrame) -> Agreement | None:
    """The agreement in a table of decisions, by the last decision of each reviewer on a sample.

    Args:
        reviewed: as `lineage.review_decisions.REVIEWED`, the oldest first.

    Returns:
        None where no sample has decisions of two reviewers.
    """
    last = reviewed.group_by("row", "sample_id", "reviewer", maintain_order=True).last()
    counted = last.filter(pl.col("action") != WITHDRAW).with_columns(
        value=pl.concat_str(
            "action",
            pl.col("label").fill_null(""),
            pl.col("columns").list.join(",").fill_null(""),
            separator=" ",
        )
    )
    units = counted.group_by("row", "sample_id").agg("value", "reviewer")
    several = units.filter(pl.col("value").list.len() > 1)
    if several.is_empty():
        return None
    people = several["reviewer"].explode().n_unique()
    return Agreement(len(several), people, alpha(several["value"].to_list()))


def alpha(units: Iterable[Sequence[str]]) -> float | None:
    """Krippendorff's alpha of nominal values.

    Args:
        units: the values that each sample was given; those with fewer than two are left out.

    Returns:
        1 for full agreement, 0 for that of chance, less for less; None where it is not defined.
    """
    disagreeing, totals = 0.0, Counter[str]()
    for values in units:
        if len(values) < 2:  # noqa: PLR2004  a pair
            continue
        counts = Counter(values)
        totals.update(counts)
        pairs = len(values) ** 2 - sum(count**2 for count in counts.values())
        disagreeing += pairs / (len(values) - 1)
    number = totals.total()
    expected = number**2 - sum(count**2 for count in totals.values())
    return None if expected == 0 else 1.0 - (number - 1) * disagreeing / expected
