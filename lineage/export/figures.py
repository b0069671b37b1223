"""Figures of a data set for exports: how much is real, and how far the rest is from real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from lineage import schema
from lineage.export.values import Round


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers about the accepted rows of some rounds."""

    real: int
    generated: int
    depth_max: int | None
    """Generations between the farthest row and real data; None if no walk ends there."""
    real_roots: float | None
    """Mean probability that a backward walk ends at a real sample; None if there are no rows."""
    licences: Sequence[str]
    """Licences of rows that are real or made by a simulator, most frequent first."""
    simulated: bool = False
    """Whether code made a round of no data."""


def measure(rounds: Sequence[Round]) -> Figures:
    """Compute the figures of some rounds in one pass."""
    with schema.readable("a table of lineage or of decisions"):
        parts = [_part(round_) for round_ in rounds if round_.decided]
    if not parts:
        return Figures(0, 0, None, None, ())
    groups = pl.concat(parts)
    real = pl.col("kind") == "real"
    total = groups.select(
        pl.col("rows").filter(real).sum().alias("real"),
        pl.col("rows").filter(~real).sum().alias("generated"),
        pl.col("depth_max").max(),
        pl.col("roots").sum(),
        pl.col("rows").sum(),
    ).row(0, named=True)
    licences = (
        groups.drop_nulls("licence")
        .group_by("licence")
        .agg(pl.col("rows").sum())
        .sort(["rows", "licence"], descending=[True, False])
    )
    return Figures(
        real=total["real"],
        generated=total["generated"],
        depth_max=total["depth_max"],
        real_roots=total["roots"] / total["rows"] if total["rows"] else None,
        licences=tuple(licences["licence"]),
        simulated=any(round_.simulated for round_ in rounds),
    )


def _part(round_: Round) -> pl.DataFrame:
    """Count rows, and compute greatest depth and sum of real roots, by kind and licence."""
    rows = round_.rows().select("row", "kind", "licence", "real_roots", "depth_max")
    decided = round_.decided_rows()
    if decided is not None:
        accepted = decided.filter(pl.col("decision") == "accepted").select("row")
        rows = rows.join(accepted, on="row", how="semi")
    return (
        rows.group_by(pl.col("kind").cast(pl.String), "licence")
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("depth_max").max(),
            pl.col("real_roots").cast(pl.Float64).sum().alias("roots"),
        )
        .collect(engine="streaming")
    )
