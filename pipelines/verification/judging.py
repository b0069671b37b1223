"""Scores and verdicts of rows: what stage `verify` does with candidates, and an audit with others.

Nothing here knows where the rows come from, so planted errors are judged exactly as candidates are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from expectations import catalogue, verifier
from expectations import suite as suites
from expectations.errors import SuiteError
from expectations.suite import Suite
from expectations.verifier import Verification
from pipelines.common.seeds import derive_seed
from pipelines.features import images
from pipelines.rounds import holdout, tables
from pipelines.rounds.context import RoundContext, held_out
from pipelines.scorers import registry, scoring
from pipelines.scorers.protocol import Given

REAL: Final = "real"
"""What a suite calls the real training rows, in `against`."""
TRACED: Final = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")
"""Columns of lineage that a suite may judge."""


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


def of_rows(suite: Suite) -> Suite:
    """The expectations about single rows and what they hold, without lineage and the whole."""
    rules = (
        rule
        for rule in suite.rules
        if catalogue.judges_rows(rule) and not set(rule.columns) & set(TRACED)
    )
    return Suite(suite.name, tuple(rules))


def judge(
    ctx: RoundContext,
    suite: Suite,
    rows: pl.DataFrame,
    pinned: str,
    lineage: pl.DataFrame | None = None,
    *,
    held_out_splits: Sequence[str] = holdout.SPLITS,
) -> tuple[pl.DataFrame, Verification]:
    """Compute scores and verdicts.

    Args:
        ctx: the round whose settings and seed apply.
        suite: the expectations.
        rows: round, row and payload of candidates, or of rows like them.
        pinned: the commit on which the round's generator was fitted; its real rows are the real
            ones.
        lineage: of these rows, for suites that judge its columns.
        held_out_splits: what scorers see of the hold-out; without the split that the rows are of,
            if they are held-out rows themselves.
    """
    scorers = ctx.round.settings.verify.scorers
    rows = ctx.round.settings.modality.shown(rows)
    data = given(ctx, pinned, held_out_splits)
    scores = scoring.score_all(scorers, rows, data)
    reference = {}
    if compared := catalogue.compared_columns(suite, REAL):
        reference[REAL] = judged(data.real, scoring.score_real(scorers, compared, data))
    frame = judged(rows, scores)
    asked = {name for rule in suite.rules for name in rule.columns} - set(frame.columns)
    names = [name for name in TRACED if name in asked]
    if lineage is not None and names:
        frame = frame.join(
            lineage.select(*tables.OCCURRENCE, *names),
            on=tables.OCCURRENCE,
            how="left",
            maintain_order="left",
        )
    return scores, verifier.verify(frame, suite, reference=reference)


def given(ctx: RoundContext, pinned: str, held_out_splits: Sequence[str] = holdout.SPLITS) -> Given:
    """What the scorers of this round are given: data of the commit that the generator learnt."""
    round_ = ctx.round
    loaded = [registry.load(name) for name in round_.settings.verify.scorers]
    wanted = {each for scorer in loaded for each in scorer.reads}
    modality = round_.settings.modality
    real = modality.shown(tables.real_samples(ctx.lake, pinned, round_.dataset))
    earlier = real.clear()
    if "earlier" in wanted:
        samples = tables.read(ctx.lake, pinned, round_.dataset, "samples")
        before = samples.filter(pl.col("round") > 0)
        what = f"the samples of {round_.dataset} at {pinned}"
        earlier = modality.shown(tables.collected(before, what))
    held = None
    if "held_out" in wanted:
        found = held_out(ctx, pinned).fingerprints()
        held = modality.shown(found.filter(pl.col("split").is_in(held_out_splits)))
    return Given(
        real=real,
        earlier=earlier,
        held_out=held,
        seed=derive_seed(round_.seed, round_.dataset, round_.number, "verify"),
    )


def judged(rows: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """The frame that a suite judges: payload and scores; an image is its file, `<name>_bytes`."""
    payload = rows.drop("sample_id", strict=False)
    files = [name for name, kind in payload.schema.items() if kind == images.IMAGE]
    whole = payload.with_columns(
        pl.col(name).struct.field("bytes").alias(f"{name}_bytes") for name in files
    ).drop(files)
    return whole.join(scores, on=["round", "row"], how="left", maintain_order="left")
