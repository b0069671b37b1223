"""A round that ends when enough of its candidates would be accepted.

Stage `generate` then makes and judges one shard after the other, as `verify` and `curate` will: by
the suite's expectations about single rows, with scores that see this shard and earlier ones alone,
and without what the lake has accepted before. So where a round ends follows from its settings, and
neither from how many requests run at once nor from a kill in the middle. `verify` computes the same
again and stops the round if it does not agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import polars as pl

from expectations import catalogue
from expectations.errors import BatchError
from expectations.suite import Suite
from lineage import curation
from pipelines.common import console
from pipelines.common.errors import ProjectError, StaleError
from pipelines.common.shards import Shard
from pipelines.generators import making
from pipelines.generators.making import MadeShard
from pipelines.generators.protocol import (
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)
from pipelines.rounds import candidate_lineage, kept_columns, mixes, parts, tables
from pipelines.rounds.context import RoundContext
from pipelines.scorers import scoring
from pipelines.scorers.protocol import Given
from pipelines.verification import judging, scorer_inputs
from pipelines.verification.judging import Scored

SECTION: Final = "acceptance"
"""Of the facts about a generation in a round's manifest."""
ABOUT_OTHERS: Final = (
    "expect_column_values_to_be_unique",
    "expect_compound_columns_to_be_unique",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
)
"""Types that judge a row by rows that may come later."""


def make(
    ctx: RoundContext,
    generator: Generator[Any, Any],
    request: GenerateRequest[Any],
    keeping: Callable[[GeneratePlan[Any]], Callable[[Shard], MadeShard]] | None = None,
) -> GenerateResult:
    """Make candidates shard by shard until enough of them would be accepted.

    Args:
        ctx: the round.
        generator: makes them.
        request: the round's.
        keeping: gives, for a plan, what makes a shard or finds it where it was made before; None:
            the generator makes each.

    Raises:
        GeneratorError: they cannot be made.
        ProjectError: the suite does not judge single rows.
        ServiceError: a service cannot be used, or a budget would be passed.
    """
    judge = ShardJudge(ctx, row_rules(judging.suite_of(ctx.round.dataset)))
    plan = generator.plan(request)
    made_by = None if keeping is None else keeping(plan)
    result = making.make_until(generator, plan, judge.enough, made_by)
    told = judge.accepted
    if told < judge.wanted:
        console.line(
            f"{told} of {len(result.candidates)} candidates would be accepted, and "
            f"{judge.wanted} were wanted (generate.accepted); raise generate.candidates for more"
        )
    made = {
        "wanted": judge.wanted,
        "accepted": told,
        "shards": len(judge.judged),
        "most": request.candidates,
    }
    facts = {**result.report.facts, SECTION: made}
    return replace(result, report=replace(result.report, facts=facts))


def check(ctx: RoundContext, generated: str, manifest: Mapping[str, Any], verified: str) -> None:
    """Check that verdicts accept what `generate` counted when it ended the round.

    Args:
        ctx: the round.
        generated: its generate commit.
        manifest: its manifest.
        verified: the branch with the verdicts that `verify` gave.

    Raises:
        StaleError: they do not.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    keys = ("round", "row", "sample_id")
    rows = parts.joined(parts.blocks(lake, generated, dataset, "candidates", number, columns=keys))
    verdicts = parts.decisive_verdicts(lake, verified, dataset, number)
    found = _accepted(ctx, rows, verdicts, _earlier(ctx))
    counted = manifest["generation"][SECTION]["accepted"]
    if found != counted:
        raise StaleError(
            f"generate ended {ctx.round.key} with {counted} candidates that would be accepted, and "
            f"its verdicts accept {found}: a scorer gave the same rows other scores; make the "
            f"round again with `stemma round redo {ctx.round.key}`"
        )


def row_rules(suite: Suite) -> Suite:
    """Select the expectations by which candidates are judged when they are made.

    Raises:
        ProjectError: there is none, or one judges a row by rows that may come later.
    """
    rules = tuple(rule for rule in suite.rules if catalogue.judges_rows(rule))
    for rule in rules:
        if rule.type in ABOUT_OTHERS:
            raise ProjectError(
                f"expectation {rule.name!r} compares a row with later ones, so with "
                "generate.accepted nobody knows when there are enough; leave it out, or use a "
                "scorer of duplicates"
            )
    if not rules:
        raise ProjectError(
            f"the suite of {suite.name} judges no single row, so generate.accepted has nothing to "
            "count; add an expectation about rows, or leave accepted out"
        )
    return Suite(suite.name, rules)


@dataclass
class ShardJudge:
    """Judges the candidates of a round, shard by shard."""

    ctx: RoundContext
    suite: Suite
    """Expectations about single rows."""
    accepted: int = 0
    """Candidates so far that would be accepted."""
    scores: pl.DataFrame | None = None
    """Of the candidates so far."""
    judged: list[int] = field(default_factory=list)
    """Numbers of their shards."""

    @property
    def wanted(self) -> int:
        """Accepted candidates with which the round ends."""
        return self.ctx.round.accepted or 0

    def enough(self, candidates: pl.DataFrame, parents: pl.DataFrame | None) -> bool:
        """Judge the candidates so far, of which the last shard is new, and count the accepted.

        Args:
            candidates: as `GenerateResult.candidates`.
            parents: as `GenerateResult.parents`.
        """
        rows = kept_columns.table(self.ctx, candidates)
        shown = self.ctx.round.settings.modality.shown(rows)
        scorers = self.ctx.round.settings.verify.scorers
        shards = candidates["shard"]
        self.scores = scoring.score_shards(scorers, shown, shards, self._inputs, self.scores)
        self.judged = shards.unique(maintain_order=True).to_list()
        compared = replace(self._compared, rows=shown, scores=self.scores)
        try:
            found = judging.judge(self.suite, compared, self._lineage(candidates, parents))
        except BatchError:  # no candidate so far has a value in a column that is judged
            return False
        self.accepted = _accepted(self.ctx, rows, found.verdicts, self._before)
        return self.accepted >= self.wanted

    @cached_property
    def _inputs(self) -> Given:
        return scorer_inputs.of_round(self.ctx, self.ctx.receipt("fit").commit)

    @cached_property
    def _compared(self) -> Scored:
        """The real rows that the suite compares candidates with."""
        nothing = Scored(pl.DataFrame(), pl.DataFrame())
        return judging.compared(self.ctx, self.suite, nothing, self._inputs)

    @cached_property
    def _before(self) -> pl.DataFrame:
        return _earlier(self.ctx)

    def _lineage(self, rows: pl.DataFrame, parents: pl.DataFrame | None) -> pl.DataFrame | None:
        """Lineage of the candidates so far, if an expectation is about it."""
        columns = {name for rule in self.suite.rules for name in rule.columns}
        if not columns & set(judging.TRACED):
            return None
        result = GenerateResult(rows, parents, GenerateReport({}))
        return candidate_lineage.derive(self.ctx, result, "", mixes.read_manifest(self.ctx.round))


def _earlier(ctx: RoundContext) -> pl.DataFrame:
    """What the lake had accepted when the round's generator was fitted."""
    dataset, commit = ctx.round.dataset, ctx.receipt("fit").commit
    samples = tables.read(ctx.lake, commit, dataset, "samples")
    keys = samples.select(pl.lit(dataset).alias("dataset"), "round", "row", "sample_id")
    return tables.collected(keys, f"the samples of {dataset} at {commit}")


def _accepted(
    ctx: RoundContext, rows: pl.DataFrame, verdicts: pl.DataFrame, earlier: pl.DataFrame
) -> int:
    """Count the candidates that `curate` would accept, at most as many as are wanted."""
    decisions = curation.decide(
        rows.select("round", "row", "sample_id"),
        verdicts.filter(pl.col("row").is_not_null()),
        earlier,
        dataset=ctx.round.dataset,
        max_accepted=ctx.round.accepted,
        surplus=True,
    )
    return int((decisions["decision"] == "accepted").sum())
