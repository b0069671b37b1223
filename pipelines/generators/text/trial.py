"""A few candidates of a round, asked for exactly as the round would ask for them.

Their answers are kept, so the round that follows does not pay for them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from pipelines.generators.exchanges import numbered
from pipelines.generators.protocol import GenerateResult
from pipelines.generators.text import candidates, reporting
from pipelines.generators.text.answers import RoundAnswers
from pipelines.generators.text.plan import RoundPlan
from pipelines.llm.service_cost import ServiceCost


@dataclass(frozen=True)
class TextTrial:
    """The first candidates of a plan."""

    plan: RoundPlan
    """With no other candidates than these."""
    cost_of: Callable[[RoundPlan], Sequence[ServiceCost]]

    @classmethod
    def of(
        cls, plan: RoundPlan, count: int, cost_of: Callable[[RoundPlan], Sequence[ServiceCost]]
    ) -> TextTrial:
        """Take the first candidates of a plan."""
        return cls(replace(plan, candidates=plan.candidates[:count]), cost_of)

    def costs(self) -> Sequence[ServiceCost]:
        """Count the requests; those of later steps without the columns of earlier ones."""
        return self.cost_of(self.plan)

    def make(self) -> GenerateResult:
        """Ask for the candidates.

        Raises:
            GeneratorError: no request was answered.
            ServiceError: a service cannot be used, a budget would be passed, or too much failed.
        """
        answers = RoundAnswers(self.plan)
        answers.ask_for(self.plan.candidates)
        made, unfit = candidates.fitting(self.plan, answers.all)
        report = reporting.report(self.plan, answers.all, unfit, answers.besides)
        if report.exchanges is not None:
            rows = [each.planned.row for each in made]
            report = replace(report, exchanges=numbered(report.exchanges, rows))
        frame = candidates.frame(self.plan, made) if made else pl.DataFrame()
        dense = pl.Series("row", range(len(frame)), dtype=pl.Int64)
        return GenerateResult(frame.with_columns(dense) if made else frame, None, report)
