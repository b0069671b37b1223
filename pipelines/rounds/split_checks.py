"""Whether the splits of real data can be used: enough rows each, and every label to train on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipelines.common.errors import DataError
from pipelines.rounds.ingest_report import Groups

LEAST: Final = 0.05
"""Share of the rows asked for that a split must have at least."""
EVEN: Final = 0.5
"""Share of them below which it is said that it has few."""
NAMED: Final = 5
"""Labels that a sentence names."""


def groups(names: pl.Series) -> Groups:
    """Describe groups of near-duplicates.

    Args:
        names: the name of each row's group, as `lineage.splits.groups` gives them.
    """
    sizes = names.value_counts(name="rows")["rows"]
    return Groups(len(sizes), int((sizes > 1).sum()), int(str(sizes.max() or 0)))


def check(
    source: str,
    sizes: Mapping[str, int],
    shares: Mapping[str, float],
    grouped: Groups,
    labels: pl.DataFrame,
) -> None:
    """Refuse splits that nothing can be learnt or measured from.

    Args:
        source: its name, for errors.
        sizes: rows of each split.
        shares: share of the rows asked for, of each split that is held out.
        grouped: the near-duplicates among the rows.
        labels: label, train, validation, test.

    Raises:
        DataError: a split is empty or has under 5 % of the rows asked for; or a label has no
            training row. The message says what to do.
    """
    count = sum(sizes.values())
    asked = {"train": 1 - sum(shares.values()), **shares}
    for name, share in asked.items():
        size = sizes.get(name, 0)
        if share and size < max(1.0, LEAST * share * count):
            what = "is empty" if not size else f"has {size:,} rows"
            raise DataError(
                f"the split {name} of {source} {what}, where {share:.0%} of {count:,} rows was "
                f"asked for: {_why(count, grouped)}"
            )
    lost = labels.filter(pl.col("train") == 0)
    if len(lost):
        first = ", ".join(
            f"{label!r} ({held} rows)"
            for label, held in lost.select("label", pl.col("validation") + pl.col("test"))
            .head(NAMED)
            .iter_rows()
        )
        more = f" and {len(lost) - NAMED:,} more" if len(lost) > NAMED else ""
        raise DataError(
            f"{source}: all rows of label {first}{more} are held out, so no generator learns it: "
            f"{_why(count, grouped)}, or leave the label out of the source"
        )


def uneven(sizes: Mapping[str, int], shares: Mapping[str, float], grouped: Groups) -> str:
    """Say which splits have under half of the rows asked for, why, and what to do; empty if none.

    Args:
        sizes: rows of each split.
        shares: share of the rows asked for, of each split that is held out.
        grouped: the near-duplicates among the rows.
    """
    count = sum(sizes.values())
    few = [
        f"{name} has {sizes.get(name, 0):,} of {share * count:,.0f}"
        for name, share in shares.items()
        if sizes.get(name, 0) < EVEN * share * count
    ]
    if not few:
        return ""
    return f"fewer held-out rows than were asked for ({', '.join(few)}): {_why(count, grouped)}"


def _why(count: int, grouped: Groups) -> str:
    """Say why splits are uneven, and what to do."""
    if grouped.count == count:
        return "give more rows, or another ingest.split_key"
    many = "1 group" if grouped.count == 1 else f"{grouped.count:,} groups"
    return (
        f"the {count:,} rows are in {many} of near-duplicates, the largest of {grouped.largest:,}; "
        "lower ingest.near, or give more rows or another ingest.split_key"
    )
