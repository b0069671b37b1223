"""The answers to the questions of a round, asked for together when the first one is wanted.

A service is asked many requests at once, and its budget and its share of failures are those of the
round, so the shards of a plan share what was answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipelines.common import progress
from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.generators.text import reporting
from pipelines.generators.text.exemplars import Pool
from pipelines.generators.text.plan import Question, TextRequest
from pipelines.llm.ask import ask
from pipelines.llm.values import Failure, Reply


@dataclass(frozen=True)
class RoundAnswers:
    """The questions of a round, and what the service answered."""

    request: TextRequest
    pool: Pool
    questions: Sequence[Question]
    """One for each candidate, in order of rows."""

    @cached_property
    def all(self) -> Sequence[Reply | Failure]:
        """Answers to all questions, in order; requested once.

        Raises:
            GeneratorError: no request was answered.
            ServiceError: the service cannot be used, the budget would be passed, or too much
                failed.
        """
        service = self.request.settings.service
        with progress.bar(len(self.questions), f"asking {service.model}") as progress_:
            answers = ask([each.request for each in self.questions], service, progress=progress_)
        if not any(isinstance(each, Reply) for each in answers):
            last = reporting.reasons(answers)[-1][0]
            raise GeneratorError(f"no request was answered; the last one: {last}")
        return answers

    def of(self, shard: Shard) -> Iterator[tuple[int, Question, Reply | Failure]]:
        """Row, question and answer of each candidate of a shard."""
        return ((row, self.questions[row], self.all[row]) for row in shard.rows)
