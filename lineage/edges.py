"""Explicit parents: edges from a candidate to the occurrences that it was made from.

An edge is checked before it is used: its parent exists, is earlier, and the weights of a
candidate's parents sum to at most 1. So the family tree has no cycles and every backward walk ends.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lineage import schema
from lineage.errors import ParentError

TOLERANCE: Final = 1e-6
"""Largest excess over 1 of a sum of weights; weights are stored in single precision."""

PARENT: Final = pl.Schema(
    {
        "row": pl.Int64(),
        "dataset": pl.String(),
        "round": pl.Int32(),
        "parent_row": pl.Int64(),
        "relation": pl.Enum(schema.RELATIONS),
        "weight": pl.Float32(),
    }
)
"""Edges from candidates to parents: `row` is the candidate's, the other columns are the parent's.
"""
STORED: Final = pl.Schema(
    {
        "dataset": pl.String(),
        "round": pl.Int32(),
        "row": pl.Int64(),
        **{
            name: schema.LINEAGE[name]
            for name in ("kind", "real_roots", "depth_mean", "depth_min", "depth_max")
        },
    }
)
"""The stored lineage of an occurrence that may be a parent."""


def resolve(
    rows: pl.Series,
    parents: pl.DataFrame | None,
    stored: pl.DataFrame | None,
    dataset: str,
    round_number: int,
    *,
    within: bool = False,
) -> pl.DataFrame:
    """Join each edge with the stored lineage of its parent.

    Args:
        rows: the candidates.
        parents: edges, as `PARENT`.
        stored: the parents, as `STORED`.
        dataset: of the candidates.
        round_number: of the candidates.
        within: whether lower rows of the same round may be parents.

    Raises:
        ParentError: an edge cannot be one.
        SchemaError: a column is missing, or an occurrence is stored twice.
    """
    given = PARENT.to_frame() if parents is None else parents
    links = schema.conform(given, PARENT, required=tuple(PARENT))
    stored_rows = STORED.to_frame() if stored is None else stored
    stored_rows = schema.conform(
        stored_rows, STORED, required=("dataset", "round", "row", "kind"), extra=True
    )
    schema.unique_key(stored_rows, ["dataset", "round", "row"], "the stored lineage")
    _check_order(links, dataset, round_number, within=within)
    _check(links, rows, stored_rows)
    return links.join(
        stored_rows,
        left_on=["dataset", "round", "parent_row"],
        right_on=["dataset", "round", "row"],
        how="left",
        maintain_order="left",
    )


def collect(links: pl.DataFrame) -> pl.DataFrame:
    """Aggregate resolved edges per candidate.

    Returns:
        row, parents, edited (whether one is), weight, real (weight of real parents), ending
        (weight times real_roots), length (the same times 1 + depth), depth_min and depth_max over
        parents of positive weight.
    """
    weight, roots = pl.col("weight").cast(pl.Float64), pl.col("real_roots").cast(pl.Float64)
    ending = weight * roots.fill_null(0.0)
    length = ending * (1.0 + pl.col("depth_mean").cast(pl.Float64).fill_null(0.0))
    counted = weight > 0
    parent = pl.struct(
        "dataset", "round", pl.col("parent_row").alias("row"), "relation", "weight"
    ).cast(schema.PARENTS.inner)
    return links.group_by("row", maintain_order=True).agg(
        parent.alias("parents"),
        (pl.col("relation") == "edited").any().alias("edited"),
        weight.sum().alias("weight"),
        weight.filter(pl.col("kind") == "real").sum().alias("real"),
        ending.sum().alias("ending"),
        length.sum().alias("length"),
        pl.col("depth_min").filter(counted).min(),
        pl.col("depth_max").filter(counted).max(),
    )


def _check_order(links: pl.DataFrame, dataset: str, round_number: int, *, within: bool) -> None:
    """Refuse parents that are not earlier than their children."""
    late = (pl.col("dataset") == dataset) & (pl.col("round") >= round_number)
    if within:
        late &= ~((pl.col("round") == round_number) & (pl.col("parent_row") < pl.col("row")))
    _refuse(
        links.filter(late), f"which is not earlier than round {round_number}; name an earlier one"
    )


def _check(links: pl.DataFrame, rows: pl.Series, stored_rows: pl.DataFrame) -> None:
    _refuse(
        links.filter(~pl.col("row").is_in(rows.implode())),
        "which is no candidate of this round; correct the row",
    )
    key = ["dataset", "round", "parent_row"]
    unknown = links.join(stored_rows, left_on=key, right_on=["dataset", "round", "row"], how="anti")
    _refuse(
        unknown,
        "which the lake does not hold: it is held out, was not accepted, or does not exist; leave "
        "out what is made from such rows, or name a parent that the lake holds",
    )
    wrong = ~(pl.col("weight").is_finite() & (pl.col("weight") >= 0))
    _refuse(links.filter(wrong), "with a weight that is no number from 0 to 1")
    total = pl.col("weight").cast(pl.Float64).sum().over("row")
    _refuse(links.filter(total > 1 + TOLERANCE), "and the weights of its parents exceed 1")


def _refuse(wrong: pl.DataFrame, why: str) -> None:
    """Raise for the first of the edges that are invalid."""
    if wrong.is_empty():
        return
    row, dataset, number, parent_row, *_ = wrong.row(0)
    more = wrong["row"].n_unique() - 1
    others = f"; {more:,} more candidates are wrong in the same way" if more else ""
    raise ParentError(
        f"candidate {row} names row {parent_row} of round {number} of {dataset} as a parent, "
        f"{why}{others}"
    )
