"""Findings of a proof: the names of the checks, and rows that do not hold, each with its detail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

FINDING: Final = pl.Schema(
    {
        "dataset": pl.String(),
        "round": pl.Int32(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "detail": pl.String(),
    }
)
"""Columns of findings; `row` and `sample_id` are null where one is about a whole round or its mix.
"""

CHECKS: Final[Mapping[str, str]] = {
    "rows": "a row stands once in lineage, decisions and samples, in its own round",
    "kinds": "rounds of real data are real and have no parents; other rows edit or are synthetic",
    "generators": "a row that is not real names its generator, a real one none",
    "weights": "weights of parents are numbers from 0 to 1 and sum to 1 at most",
    "parents": "the lake holds every parent",
    "order": "every parent and every mix is earlier",
    "mixes": "every mix that a row names has a manifest",
    "mix_figures": "mix manifests say what their rows give",
    "real_inputs": "share of real inputs, derived from the graph",
    "real_roots": "share of walks that end at real samples, derived from the graph",
    "depth_mean": "mean generations from real data, derived from the graph",
    "depth_min": "fewest generations from real data, derived from the graph",
    "depth_max": "most generations from real data, derived from the graph",
    "verdicts": "every accepted row was judged",
    "critical": "every critical verdict on an accepted row passed",
    "decisions": "every candidate of a decided round has a decision; the samples are the accepted",
    "sample_ids": "lineage, decisions and samples name the same content",
    "contents": "no content is accepted twice",
    "payload": "the id of each sample, computed again from its payload, is its sample_id",
    "columns": "the other columns of the samples are those that were decided on, or ingested",
    "generated": "lineage is that of the commit which generated the round",
    "scores": "scores are those of the commit which verified the round",
    "suite": "verdicts are what the suite of the round gives for candidates and scores",
    "reviewed": "what reviewers decided is what their signed records say",
    "decided": "decisions are what the verdicts and the reviewers give",
}
"""Every check, and what it proves."""
MADE_AGAIN: Final = ("generated", "scores", "suite", "reviewed", "decided")
"""Checks that compare tables with what the commits of the stages give again."""
DERIVED: Final = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")
"""Checks that compare a stored column with the graph, named like the columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The findings of one check in one part of the lake."""

    check: str
    dataset: str
    round: int
    checked: int
    """Number of rows, edges or manifests that were checked."""
    findings: pl.DataFrame
    """What does not hold, as `FINDING`."""
    unproved: int = 0
    """Number of rows that cannot be derived, since what they come from is not sound or stored."""
    reason: str = ""
    """Why they cannot, where the findings do not say it."""


def batch(check: str, checked: int, findings: pl.DataFrame, dataset: str, number: int) -> Batch:
    """Make a batch of rows that do not hold.

    Args:
        check: one of `CHECKS`.
        checked: rows, edges or manifests that were looked at.
        findings: `detail`, and `row` and `sample_id` where a finding is about a row; other columns
            are dropped.
        dataset: the data set that they are of.
        number: their round.
    """
    absent = [name for name in ("row", "sample_id") if name not in findings.columns]
    whole = findings.with_columns(
        pl.lit(dataset).alias("dataset"),
        pl.lit(number).alias("round"),
        *(pl.lit(None).alias(name) for name in absent),
    )
    return Batch(check, dataset, number, checked, whole.select(FINDING.names()).cast(FINDING))


def unprovable(check: str, rows: int, reason: str, dataset: str, number: int) -> Batch:
    """Make a batch of rows of which nothing can be proved.

    Args:
        check: one of `CHECKS`.
        rows: how many.
        reason: why, such as "releases before 0.2 stated no digest".
        dataset: the data set that they are of.
        number: their round.
    """
    return Batch(check, dataset, number, 0, FINDING.to_frame(), unproved=rows, reason=reason)


def about_round(check: str, detail: str, dataset: str, number: int) -> Batch:
    """Make a batch of one finding about a whole round."""
    return batch(check, 1, pl.DataFrame({"detail": [detail]}), dataset, number)
