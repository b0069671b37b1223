"""Mix manifests against their rows: how many of each round, how heavy, how far from real data.

A manifest is written when a mix is composed, from stored columns. Here its rows are drawn again by
its own rule, and its figures come from what the graph gives of each of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import schema, training_mix
from lineage.accepted import accepted
from lineage.ancestry.index import Ancestry
from lineage.ancestry.segments import Segment
from lineage.ancestry.source import Frames
from lineage.manifest import ROUNDING, MixManifest
from lineage.proof.derived import detail, differs
from lineage.proof.findings import Batch, batch

FIGURES: Final = ("real_share", "real_roots", "depth_mean", "depth_min", "depth_max")
DIGITS: Final = 12
"""Hex digits of a mix's digest in a finding."""


def rounds(
    index: Ancestry, segment: Segment, mix: MixManifest, left_out: Frames | None
) -> list[str]:
    """Compare the rounds of a mix with the rows that it draws from.

    Args:
        index: the index.
        segment: a round that was trained on the mix.
        mix: its manifest.
        left_out: accepted rows (round, row) that the mix leaves out, beyond what its regime does.

    Returns:
        What contradicts the manifest, one sentence each.
    """
    drawn = _by_round(index, mix.dataset, index.members(segment, mix.digest))
    real = _real_rounds(index, mix.dataset)
    there = drawn
    if mix.subsample is not None:
        rows = _accepted(index, mix, left_out)
        drawn, there = _drawn(rows, mix), dict(rows.group_by("round").len().iter_rows())
    problems = _listed(mix, left_out)
    for part in mix.rounds:
        count, taken = drawn.get(part.round, 0), there.get(part.round, 0)
        weight = count * (mix.real_weight if part.round in real else 1.0)
        pairs = [
            ("number of rows", part.rows, count, part.rows == count),
            ("number of accepted rows", part.accepted, taken, part.accepted == taken),
            ("weight", part.weight, weight, math.isclose(part.weight, weight, rel_tol=ROUNDING)),
        ]
        problems += [
            f"mix {mix.digest[:DIGITS]}: {what} of round {part.round} is {told:,}, "
            f"the lake gives {true:,}"
            for what, told, true, holds in pairs
            if not holds
        ]
    return problems


def figures(mixes: Sequence[MixManifest], derived: pl.DataFrame) -> list[str]:
    """Compare the figures of mixes with those of their rows.

    Args:
        mixes: their manifests.
        derived: mix (digest), real_share, real_roots and depths, as the graph gives them.

    Returns:
        What contradicts a manifest, one sentence each.
    """
    told = pl.DataFrame(
        [{"mix": mix.digest, **mix.model_dump(include=set(FIGURES))} for mix in mixes],
        schema={"mix": pl.String, **{name: derived.schema[name] for name in FIGURES}},
    )
    both = told.join(derived, on="mix", suffix="_true")
    named = pl.format("mix {}: {}", pl.col("mix").str.head(DIGITS), "detail")
    return [
        problem
        for name in FIGURES
        for problem in both.filter(differs(name))
        .with_columns(detail(name))
        .select(named)
        .to_series()
    ]


def as_batch(problems: list[str], segment: Segment) -> Batch:
    """Turn what is wrong with the mixes of a round into findings."""
    frame = pl.DataFrame({"detail": problems}, schema={"detail": pl.String})
    return batch("mix_figures", len(segment.mixes), frame, segment.dataset, segment.round)


def _listed(mix: MixManifest, left_out: Frames | None) -> list[str]:
    """Compare the list of left-out rows with the digest in the manifest."""
    with schema.readable("what a mix leaves out"):
        rows = left_out().collect() if left_out else None
    there = training_mix.list_digest(rows) if rows is not None and len(rows) else None
    if there == mix.left_out_digest:
        return []
    told = f"list {mix.left_out_digest[:DIGITS]}" if mix.left_out_digest else "none"
    true = f"list {there[:DIGITS]}" if there else "none"
    return [f"mix {mix.digest[:DIGITS]}: rows that were left out: {told}, the lake holds {true}"]


def _by_round(index: Ancestry, dataset: str, members: NDArray[np.int64]) -> dict[int, int]:
    """Count members per round of a data set."""
    counts = {}
    for segment in index.segments:
        if segment.dataset == dataset:
            low, high = np.searchsorted(members, [segment.base, segment.base + segment.rows])
            counts[segment.round] = int(high - low)
    return counts


def _real_rounds(index: Ancestry, dataset: str) -> set[int]:
    """List the rounds of a data set that bring real rows; these bring no others (`kinds`)."""
    return {
        segment.round
        for segment, view in zip(index.segments, index.layout.views, strict=True)
        if segment.dataset == dataset and view.is_real
    }


def _accepted(index: Ancestry, mix: MixManifest, left_out: Frames | None) -> pl.DataFrame:
    """List the rows that a subsample was drawn from: round, row, sorted.

    Rounds that gave nothing to it are not listed in its manifest, but were drawn from.
    """
    last = max(part.round for part in mix.rounds)
    wanted = [
        segment
        for segment in index.segments
        if segment.dataset == mix.dataset and segment.round <= last
    ]
    parts = [
        pl.DataFrame({"row": index.layout.rows_of(accepted(index, segment))[1]}).select(
            pl.lit(segment.round, pl.Int32).alias("round"), "row"
        )
        for segment in sorted(wanted, key=lambda segment: segment.round)
    ]
    rows = pl.concat(parts) if parts else pl.DataFrame(schema={"round": pl.Int32, "row": pl.Int64})
    if left_out is None:
        return rows
    with schema.readable("what a mix leaves out"):
        gone = left_out().select("round", "row").collect()
    return rows.join(gone, on=["round", "row"], how="anti", maintain_order="left")


def _drawn(rows: pl.DataFrame, mix: MixManifest) -> dict[int, int]:
    """Count the rows of each round that the rule of a subsample takes from all of them."""
    hashes = training_mix.order(rows["round"].to_numpy(), rows["row"].to_numpy(), mix.seed or 0)
    taken = rows.filter(pl.Series(training_mix.lowest(hashes, mix.sample_size or 0)))
    return dict(taken.group_by("round").len().iter_rows())
