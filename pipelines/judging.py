"""Scores and verdicts of rows: what stage `verify` does with candidates, and an audit with others.

Nothing here knows where the rows come from, so planted errors are judged exactly as candidates are.
"""

from __future__ import annotations

import polars as pl

from expectations import catalogue, verifier
from expectations import suite as suites
from expectations.errors import SuiteError
from expectations.suite import Suite
from expectations.verifier import Verification
from pipelines import tables
from pipelines.scorers import agreement, distance
from pipelines.seeds import derive_seed
from pipelines.work import Work


def suite_of(dataset: str) -> Suite:
    """The suite of a data set, its types and arguments checked before anything is scored.

    Raises:
        SuiteError: it cannot be read, or asks for what does not exist.
    """
    place = suites.place(dataset)
    suite = suites.load(place)
    try:
        catalogue.check(suite)
    except SuiteError as error:
        raise SuiteError(f"{place}: {error}") from error
    return suite


def judge(
    work: Work, suite: Suite, rows: pl.DataFrame, pinned: str
) -> tuple[pl.DataFrame, Verification]:
    """Compute scores and verdicts.

    Args:
        work: the round whose settings and seed apply.
        suite: the expectations.
        rows: round, row and payload of candidates, or of rows like them.
        pinned: the commit on which the round's generator was fitted; its real rows are the real
            ones.
    """
    real = tables.real_samples(work.lake, pinned, work.round.dataset)
    scores = score(work, rows, real)
    frame = rows.select(
        "round", "row", "label", pl.col("image").struct.field("bytes").alias("image_bytes")
    ).join(scores, on=["round", "row"], how="left", maintain_order="left")
    return scores, verifier.verify(frame, suite)


def score(work: Work, rows: pl.DataFrame, real: pl.DataFrame) -> pl.DataFrame:
    """All scores of the rows: round, row, one column per score."""
    round_ = work.round
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "verify")
    agreed = agreement.score(rows, real, seed=seed)
    distances = distance.score(rows, real, block_rows=round_.settings.verify.block_rows)
    return agreed.join(distances, on=["round", "row"], how="full", coalesce=True).sort("row")
