"""Audits of the verifier of a round by errors that are planted into held-out rows.

Planted errors are made from validation rows, never from test rows. They are scored and verified as
stage `verify` does it with candidates: with the same suite, settings, seed and real rows.
Expectations about the whole round, or about lineage, which planted rows do not have, are left out.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import judge_error
from expectations.judge_error import Allocation
from lineage.identity import sample_ids
from pipelines.common.errors import StaleError
from pipelines.common.seeds import derive_seed
from pipelines.rounds import round_holdout, tables
from pipelines.verification import judging
from pipelines.verification.calibrations import audits, planting
from pipelines.verification.calibrations.audits import Audit, Subject

PILOT: Final = 20
"""Per cent of an adaptive audit's rows that its pilot has, right ones and errors together."""


def adaptive(subject: Subject, rows: int) -> tuple[Audit, Allocation]:
    """Plant a pilot, then an audit whose rows are divided by what the pilot found.

    The verifier's two errors count by how many candidates it keeps: where it keeps nearly all, what
    it does to right rows matters most (Lee et al. 2025). A fifth of the rows is the pilot, which
    only divides: the audit does not count its verdicts, which are given anew.

    Args:
        subject: The verified round.
        rows: Size of the audit, right rows and errors together.

    Returns:
        The audit, and how its rows were to be divided; too few held-out rows make it smaller.

    Raises:
        StaleError: As of `planted`.
        DataError: As of `planted`.
    """
    least = len(planting.KINDS)  # one error of each
    pilot = planted(subject, max(rows * PILOT // 200, least)).record.suite
    made = pilot.candidates
    divided = judge_error.allocate(
        pilot.tally.counts, kept=made.kept, candidates=made.rows, rows=rows
    )
    wrong = max(divided.wrong, least)
    divided = Allocation(right=max(rows - wrong, 1), wrong=wrong)
    return planted(subject, wrong, right_rows=divided.right), divided


def planted(subject: Subject, rows: int, *, right_rows: int | None = None) -> Audit:
    """Plant errors into held-out rows and compare the suite's verdicts with the truth.

    The rows are those of the split validation, so scorers see the other split only: otherwise every
    right row would be taken for a leak.

    Args:
        subject: The verified round.
        rows: Number of errors.
        right_rows: Number of right rows; None: as many.

    Raises:
        StaleError: The round was verified with another suite than the data set has now.
        DataError: No errors can be planted into this data.
    """
    ctx, dataset = subject.ctx, subject.ctx.round.dataset
    suite = judging.suite_of(dataset)
    if suite.digest != subject.suite_digest:
        raise StaleError(
            f"round {ctx.round.number} of {dataset} was verified with another suite than "
            f"expectations/suites/{dataset}.json is now; run `dvc repro` first"
        )
    pinned = str(subject.manifest["mix"]["commit"])
    right = round_holdout.open_at(ctx, pinned).validation().drop("row", "sample_id")
    training = tables.real_samples(ctx.lake, pinned, dataset)
    seed = derive_seed(ctx.round.seed, dataset, ctx.round.number, "planted")
    made = planting.plant(right, training, rows=rows, seed=seed, right_rows=right_rows)
    frame = made.drop(planting.KIND).select(
        pl.lit(ctx.round.number, pl.Int32).alias("round"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        sample_ids(made, ctx.round.identity).alias("sample_id"),
        pl.all(),
    )
    rules = judging.row_expectations(suite)
    _, verification = judging.verify(ctx, rules, frame, pinned, held_out_splits=("test",))
    labelled = frame.with_columns(made[planting.KIND]).with_columns(
        pl.col("label").cast(pl.String).alias("asked")
        if "label" in frame.columns
        else pl.lit(None, pl.String).alias("asked"),
        pl.lit(None, pl.String).alias("truth"),
        pl.lit(None, pl.String).alias("note"),
        pl.col("kind").is_null().alias("right"),
    )
    return audits.counted(subject, "planted", labelled, verification.verdicts, asked=len(labelled))
