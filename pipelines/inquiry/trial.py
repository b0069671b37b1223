"""Try a round: a few of its candidates, asked for and judged, before anything else is spent.

The mix is composed and the generator fitted as the stages would, in a folder that is removed; the
lake is read and not written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.common.errors import ParamsError, ProjectError
from pipelines.common.seeds import derive_seed
from pipelines.generators.protocol import GenerateRequest, GenerateResult, Trial, Tries
from pipelines.generators.registry import GENERATORS
from pipelines.inquiry import cost_estimate
from pipelines.inquiry.cost_estimate import Part
from pipelines.rounds import kept_columns, pinned_samples
from pipelines.rounds.context import RoundContext


@dataclass(frozen=True, slots=True)
class Tried:
    """Candidates that were tried."""

    result: GenerateResult
    verdicts: pl.DataFrame | None
    """As `lineage.schema.VERDICTS`, of expectations about single rows; None: see `unjudged`."""
    unjudged: str | None
    """Why there are no verdicts."""


@dataclass(frozen=True, slots=True)
class RoundTrial:
    """A round whose first candidates can be tried."""

    ctx: RoundContext
    trial: Trial
    count: int
    samples: pl.DataFrame
    """The mix."""

    def parts(self) -> list[Part]:
        """What trying will ask of services, for candidates and for their judges."""
        own = [Part("generate", cost.service, cost.expected, None) for cost in self.trial.costs()]
        judges = cost_estimate.scorer_costs(self.ctx, self.samples, self.count)
        return own + [Part("verify", cost.service, cost.expected, None) for cost in judges]

    def run(self) -> Tried:
        """Ask for the candidates, and judge them by the suite's expectations about rows.

        Raises:
            GeneratorError: no request was answered.
            ServiceError: a service cannot be used, a budget would be passed, or too much failed.
        """
        result = self.trial.make()
        if result.candidates.is_empty():
            return Tried(result, None, "no candidate was made")
        try:
            return Tried(result, _judged(self.ctx, result.candidates), None)
        except ProjectError as error:
            return Tried(result, None, str(error))


@contextmanager
def prepare(ctx: RoundContext, count: int) -> Iterator[RoundTrial]:
    """Fit a round's generator in a folder of its own, and plan the round.

    Raises:
        ParamsError: its generator cannot be tried.
        ProjectError: no scorer gives the score by which the generator chooses.
        StaleError: the previous round is not published, or one that the generator reads.
        GeneratorError: the round cannot be planned.
    """
    round_ = ctx.round
    generator = GENERATORS.load(round_.generator)
    if not isinstance(generator, Tries):
        raise ParamsError(
            f"{round_.key} is made by the generator {round_.generator}, of which nothing can be "
            "tried: it asks no service"
        )
    own = round_.settings.generate.of(round_.generator)
    GENERATORS.files({round_.generator: own})  # checks the files that the settings name
    samples = cost_estimate.mix(ctx)
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "fit")
    with tempfile.TemporaryDirectory(prefix="stemma-try-") as folder:
        fit = round_.settings.fit.of(round_.generator)
        generator.fit(samples, fit, seed, Path(folder))
        request = _request(ctx, Path(folder))
        yield RoundTrial(ctx, generator.trial(request, count), count, samples)


def _request(ctx: RoundContext, folder: Path) -> GenerateRequest[Any]:
    """The request of the round to its generator, with what it reads and is scored by."""
    request = ctx.round.generate_request(folder)
    request = replace(request, samples=pinned_samples.reader(ctx.lake))
    if GENERATORS.load(ctx.round.generator).scored_by(request.settings) is None:
        return request
    from pipelines.verification import row_scores  # noqa: PLC0415  imports Great Expectations

    row_scores.check(ctx.round)
    return replace(request, score=row_scores.score(ctx, ctx.previous().commit))


def _judged(ctx: RoundContext, candidates: pl.DataFrame) -> pl.DataFrame:
    """Give verdicts of the suite's expectations about single rows."""
    from pipelines.verification import judging  # noqa: PLC0415  imports Great Expectations

    pinned = ctx.previous().commit
    suite = judging.row_expectations(judging.suite_of(ctx.round.dataset))
    rows = kept_columns.table(ctx, candidates, pinned)
    _, verification = judging.verify(ctx, suite, rows, pinned)
    return verification.verdicts


def failed(verdicts: pl.DataFrame, row: int) -> Sequence[dict[str, object]]:
    """The verdicts on a row that are not passed, in the order of the suite."""
    own = verdicts.filter(pl.col("row") == row, pl.col("verdict") != "passed")
    return own.select("expectation", "severity", "verdict", "observed", "detail").to_dicts()
