"""The picture of a round: real samples beside accepted and refused candidates."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.modalities.protocol import LABEL
from pipelines.rounds import tables
from pipelines.rounds.context import RoundContext

UNLABELLED: Final = 8
"""Samples without labels that are shown for one of a class."""


def of_round(ctx: RoundContext, commit: str, examples: int) -> bytes:
    """Draw the round at a commit as a PNG.

    Args:
        ctx: the round.
        commit: a commit with the round's samples and decisions.
        examples: number of samples per class, for real and accepted samples each.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    generated = ctx.receipt("generate").commit
    candidates = tables.read_round(lake, generated, dataset, "candidates", number)
    decisions = tables.read_round(lake, commit, dataset, "decisions", number)
    judged = candidates.join(
        decisions.select("round", "row", "decision", "reasons"), on=["round", "row"]
    ).sort("row")
    real = tables.real_samples(lake, commit, dataset, before=number).sort("round", "row")
    accepted = judged.filter(pl.col("decision") == "accepted")
    modality = ctx.round.settings.modality
    whole = modality.whole_picture
    return modality.picture(
        real=real if whole else _per_class(real, examples),
        accepted=accepted if whole else _per_class(accepted, examples),
        refused=judged.filter(pl.col("decision") != "accepted").with_columns(
            pl.col("reasons").list.first().fill_null(pl.col("decision")).alias("reason")
        ),
        title=f"{dataset}, round {number}",
    )


def _per_class(frame: pl.DataFrame, examples: int) -> pl.DataFrame:
    if LABEL not in frame.columns:
        return frame.head(examples * UNLABELLED)
    return frame.group_by(LABEL, maintain_order=True).head(examples).sort(LABEL, "row")
