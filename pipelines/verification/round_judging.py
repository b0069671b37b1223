"""Score and judge the candidates of a round without holding their payload.

Scorers that score row by row, and expectations about single rows, see one block of candidates at a
time; others see all rows, and of their payload the columns that they read. Scores are held for all
rows, verdicts for one block. Rows that are in memory anyway are scored and judged by
`verification.judging`, which says the same of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from expectations import blocks
from expectations.suite import Suite
from lake import refs
from pipelines.rounds import parts, tables
from pipelines.rounds.context import RoundContext
from pipelines.scorers import scoring
from pipelines.verification import judging, scorer_inputs
from pipelines.verification.judging import TRACED, Scored
from pipelines.verification.round_rows import Payload, ScoredRows


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRound:
    """The candidates of a round with all that verdicts on them follow from, besides the suite."""

    rows: ScoredRows
    kinds: pl.DataFrame
    """Column kind of the candidates' lineage, by which only some expectations apply."""
    compared: Scored
    """The real rows that the suite compares these with, and their scores."""

    @property
    def scores(self) -> pl.DataFrame:
        """round, row and the columns of all scorers."""
        return self.rows.scores

    def verdicts(self, suite: Suite) -> Iterator[pl.DataFrame]:
        """Give verdicts block by block, as `lineage.schema.VERDICTS`.

        Raises:
            SuiteError: no expectation applies to the rows.
        """
        rules = judging.applicable(suite, self.kinds)
        reference = judging.reference(self.compared)
        return blocks.verify(self.rows, rules, reference=reference)


def score(
    ctx: RoundContext,
    suite: Suite,
    generated: str,
    pinned: str,
    known: Mapping[str, pl.DataFrame] = MappingProxyType({}),
) -> ScoredRound:
    """Compute scores of the candidates of a generate commit.

    Args:
        ctx: the round.
        suite: its expectations.
        generated: the commit with candidates and lineage.
        pinned: the commit on which the round's generator was fitted, whose real rows are the
            reference.
        known: scores that workers computed, by scorer.
    """
    dataset, number, settings = ctx.round.dataset, ctx.round.number, ctx.round.settings
    payload = Payload.open(ctx.lake, generated, dataset, number, settings.modality)
    lineage = _lineage(ctx, generated, suite)
    inputs = scorer_inputs.of_round(ctx, pinned)
    scorers = settings.verify.scorers
    if ctx.round.accepted is None:
        scores = scoring.score_blocks(scorers, payload.read, inputs, known)
    else:  # it ended with its last accepted row, so each shard is scored beside those before it
        rows = parts.joined(payload.read(payload.columns.names()))
        keys = rows.select(tables.OCCURRENCE)
        beside = keys.join(lineage, on=tables.OCCURRENCE, how="left", maintain_order="left")
        scores = scoring.score_shards(scorers, rows, beside["shard"], inputs)
    nothing = Scored(pl.DataFrame(), scores.clear())
    traced = [name for name in lineage.columns if name in {*tables.OCCURRENCE, *TRACED}]
    return ScoredRound(
        ScoredRows(payload, scores, lineage.select(traced)),
        lineage.select("kind"),
        judging.compared(ctx, suite, nothing, inputs),
    )


def _lineage(ctx: RoundContext, generated: str, suite: Suite) -> pl.DataFrame:
    """Read of the candidates' lineage what verdicts depend on, without their parents."""
    dataset, number = ctx.round.dataset, ctx.round.number
    judged = {name for rule in suite.rules for name in rule.columns}
    names = (*tables.OCCURRENCE, "kind", "shard", *(name for name in TRACED if name in judged))
    scanned = ctx.lake.scan(generated, refs.partition(dataset, "lineage", number)).select(names)
    return tables.collected(scanned, f"lineage of round {number} of {dataset} at {generated}")
