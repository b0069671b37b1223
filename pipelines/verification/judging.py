"""Score and verify rows: the candidates of stage `verify`, or the planted errors of an audit.

Nothing here depends on where the rows come from, so planted errors are verified exactly as
candidates are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from expectations import catalogue, verifier
from expectations import suite as suites
from expectations.errors import SuiteError
from expectations.suite import Rule, Suite
from expectations.verifier import Verification
from pipelines.rounds import holdout, tables
from pipelines.rounds.context import RoundContext
from pipelines.scorers import scoring
from pipelines.scorers.protocol import Given
from pipelines.verification import scorer_inputs
from pipelines.verification.round_rows import with_scores

REAL: Final = "real"
"""Name of the real training rows in the argument `against` of a suite."""
MEASURED: Final = "measured"
"""Entry of an expectation's `meta` that says on which real rows its limit was measured."""
TRACED: Final = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")
"""Columns of lineage that an expectation may be about."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Rows with all that verdicts on them follow from, besides the suite and their lineage."""

    rows: pl.DataFrame
    """round, row and payload, as the data set's modality shows it to scorers and suites."""
    scores: pl.DataFrame
    """round, row and the columns of all scorers."""
    real: pl.DataFrame | None = None
    """Real rows that the suite compares these with, as `rows`; None if it compares none."""
    real_scores: pl.DataFrame | None = None
    """round, row and those scores of the real rows that are compared."""


def suite_of(dataset: str) -> Suite:
    """Load the suite of a data set and check its types and arguments, before anything is scored.

    Raises:
        SuiteError: The suite cannot be read, or names something that does not exist.
    """
    path = suites.place(dataset)
    suite = suites.load(path)
    try:
        catalogue.check(suite)
    except SuiteError as error:
        raise SuiteError(f"{path}: {error}") from error
    return suite


def row_expectations(suite: Suite) -> Suite:
    """Select the expectations about single rows and their content, without those about lineage."""
    rules = (
        rule
        for rule in suite.rules
        if catalogue.judges_rows(rule) and not set(rule.columns) & set(TRACED)
    )
    return Suite(suite.name, tuple(rules))


def applied(suite: Suite, lineage: pl.DataFrame | None) -> Suite:
    """Select the expectations that are applied to rows.

    An expectation about a whole round holds a generator to what it was asked for. Real rows arrive
    as they are, in any mixture, so each of them is judged, and their round as a whole is not. A
    limit that was measured on the real rows that there were (`meta.measured`) says that a row is
    unlike them, or near them; of a real row that is news, so it warns and refuses nothing.

    Args:
        suite: The expectations.
        lineage: Lineage of the rows.
    """
    if lineage is None or not (lineage["kind"].cast(pl.String) == REAL).all():
        return suite
    rules = (rule for rule in suite.rules if catalogue.judges_rows(rule))
    return Suite(suite.name, tuple(_milder(rule) if is_measured(rule) else rule for rule in rules))


def is_measured(rule: Rule) -> bool:
    """Tell whether the limit of an expectation was measured on real rows."""
    return bool(rule.meta.get(MEASURED))


def _milder(rule: Rule) -> Rule:
    return replace(rule, severity="warning") if rule.severity == "critical" else rule


def compares(suite: Suite) -> bool:
    """Tell whether a suite compares candidates with the real rows."""
    return bool(catalogue.compared_columns(suite, REAL))


def verify(
    ctx: RoundContext,
    suite: Suite,
    rows: pl.DataFrame,
    pinned: str,
    lineage: pl.DataFrame | None = None,
    *,
    held_out_splits: Sequence[str] = holdout.SPLITS,
) -> tuple[pl.DataFrame, Verification]:
    """Compute scores and verdicts of rows.

    Args:
        ctx: The round whose settings and seed apply.
        suite: The expectations.
        rows: Columns round, row and payload of candidates, or of rows like them.
        pinned: The commit on which the round's generator was fitted, whose real rows are the
            reference.
        lineage: Lineage of these rows, for expectations about its columns.
        held_out_splits: Splits of the hold-out that scorers may see; without the split that the
            rows are from, if they are held-out rows themselves.
    """
    scored = score(ctx, suite, rows, pinned, held_out_splits=held_out_splits)
    return scored.scores, judge(suite, scored, lineage)


def score(
    ctx: RoundContext,
    suite: Suite,
    rows: pl.DataFrame,
    pinned: str,
    *,
    held_out_splits: Sequence[str] = holdout.SPLITS,
    shards: pl.Series | None = None,
) -> Scored:
    """Compute scores of rows, and those of the real rows that the suite compares them with.

    Args:
        ctx: As `verify`.
        suite: As `verify`.
        rows: As `verify`.
        pinned: As `verify`.
        held_out_splits: As `verify`.
        shards: Of each row, where a round ended when enough rows of it were accepted.
    """
    scorers = ctx.round.settings.verify.scorers
    shown = ctx.round.settings.modality.shown(rows)
    inputs = scorer_inputs.of_round(ctx, pinned, held_out_splits)
    if shards is None:
        scores = scoring.score_all(scorers, shown, inputs)
    else:
        scores = scoring.score_shards(scorers, shown, shards, inputs)
    return compared(ctx, suite, Scored(shown, scores), inputs)


def compared(ctx: RoundContext, suite: Suite, scored: Scored, inputs: Given) -> Scored:
    """Add the real rows and their scores, if the suite compares candidates with them."""
    if not compares(suite):
        return scored
    scorers = ctx.round.settings.verify.scorers
    columns = catalogue.compared_columns(suite, REAL)
    real_scores = scoring.score_real(scorers, columns, inputs)
    wanted = [name for name in real_scores.columns if name in {*tables.OCCURRENCE, *columns}]
    return replace(scored, real=inputs.real, real_scores=real_scores.select(wanted))


def judge(suite: Suite, scored: Scored, lineage: pl.DataFrame | None) -> Verification:
    """Give verdicts on scored rows.

    Args:
        suite: The expectations.
        scored: The rows.
        lineage: Lineage of these rows, for expectations about its columns, and by which only some
            expectations apply (`applied`).

    Raises:
        SuiteError: No expectation applies to the rows.
    """
    whole, suite = suite, applicable(suite, lineage)
    beside = reference(scored)
    frame = with_scores(scored.rows, scored.scores)
    wanted = {name for rule in suite.rules for name in rule.columns} - set(frame.columns)
    names = [name for name in TRACED if name in wanted]
    if lineage is not None and names:
        frame = frame.join(
            lineage.select(*tables.OCCURRENCE, *names),
            on=tables.OCCURRENCE,
            how="left",
            maintain_order="left",
        )
    verification = verifier.verify(frame, suite, reference=beside)
    return replace(verification, suite_digest=whole.digest)


def applicable(suite: Suite, lineage: pl.DataFrame | None) -> Suite:
    """Select the expectations that are applied to rows.

    Raises:
        SuiteError: none is.
    """
    rest = applied(suite, lineage)
    if not rest.rules:
        raise SuiteError(
            f"all expectations of {suite.name} are about a round as a whole, and none of them "
            "applies to real rows; add one about single rows"
        )
    return rest


def reference(scored: Scored) -> dict[str, pl.DataFrame]:
    """Put the real rows that a suite compares with beside their scores, by the suite's name."""
    if scored.real is None or scored.real_scores is None:
        return {}
    return {REAL: with_scores(scored.real, scored.real_scores)}
