"""The answers of a round: all candidates are asked for together, one step after the other.

A service is asked many requests at once, and its budget and its share of failures are those of the
round, so the shards of a plan share what was answered. Where the round ends when enough candidates
are accepted, each shard is asked for by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from pipelines.common import progress
from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.generators.text import choosing
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.plan import Planned, Question, RoundPlan
from pipelines.llm.ask import Asking, ask_all
from pipelines.llm.costs import Ledger
from pipelines.llm.settings import Service
from pipelines.llm.values import Failure, Reply


@dataclass
class RoundAnswers:
    """The candidates of a round, and what services answered."""

    plan: RoundPlan
    ledgers: list[tuple[Service, Ledger]] = field(default_factory=list)
    """What each service has cost, over all steps and shards."""
    made: dict[int, Making] = field(default_factory=dict)
    """By row, what was asked for so far."""
    unfit: dict[int, str] = field(default_factory=dict)
    """By row, why what was answered cannot be stored."""
    besides: list[Making] = field(default_factory=list)
    """Candidates that were made besides and are worse."""

    @property
    def all(self) -> list[Making]:
        """All candidates that were asked for, in order of rows."""
        return [self.made[row] for row in sorted(self.made)]

    def of(self, shard: Shard) -> list[Making]:
        """Candidates of a shard, asked for when the first one is wanted.

        Raises:
            GeneratorError: no request was answered.
            ServiceError: a service cannot be used, a budget would be passed, or too much failed.
        """
        if shard.start not in self.made:
            every, by_shard = self.plan.candidates, self.plan.request.by_shard
            self.ask_for(every[shard.start : shard.stop] if by_shard else every)
        return [self.made[row] for row in shard.rows]

    def ask_for(self, candidates: Sequence[Planned]) -> None:
        """Ask for some candidates, step by step, and keep the best of each row.

        Raises:
            GeneratorError: as `of`.
            ServiceError: as `of`.
        """
        best_of = self.plan.request.settings.best_of
        variants = range(1 if best_of is None else best_of.answers)
        planned = [replace(each, variant=number) for each in candidates for number in variants]
        makings = self._answered(planned if best_of else candidates)
        if best_of is None:
            self.made |= {each.planned.row: each for each in makings}
            return
        chosen = choosing.best(self.plan, makings)
        self.made |= {each.planned.row: each for each in chosen}
        kept = {id(each) for each in chosen}
        self.besides += [each for each in makings if id(each) not in kept]

    def _answered(self, candidates: Sequence[Planned]) -> list[Making]:
        """Ask for candidates, step by step."""
        makings = [Making(each, self.plan.given(each)) for each in candidates]
        for step in self.plan.steps:
            going = [each for each in makings if not each.failed]
            questions = [self.plan.question(each.planned, step, each.known) for each in going]
            answers = self._ask(questions)
            for making, question, answer in zip(going, questions, answers, strict=True):
                making.take(question, answer)
        if all(each.failed for each in makings) and not self.plan.request.by_shard:
            last = reasons([answer for each in makings for answer in each.answers])[-1][0]
            raise GeneratorError(f"no request was answered; the last one: {last}")
        return makings

    def _ask(self, questions: Sequence[Question]) -> list[Reply | Failure]:
        """Ask all services at the same time; answers in the order of the questions."""
        services = [each.service for each in questions]
        distinct = _distinct(services)
        numbers = [
            [number for number, each in enumerate(services) if _same(each, service)]
            for service in distinct
        ]
        answers: dict[int, Reply | Failure] = {}
        with ExitStack() as bars:
            askings = [
                Asking(
                    [questions[number].request for number in own],
                    service,
                    bars.enter_context(progress.bar(len(own), f"asking {service.model}")),
                    self._ledger(service),
                    self._planned(service),
                )
                for service, own in zip(distinct, numbers, strict=True)
            ]
            for own, replies in zip(numbers, ask_all(askings), strict=True):
                answers |= dict(zip(own, replies, strict=True))
        return [answers[number] for number in range(len(questions))]

    def _planned(self, service: Service) -> int | None:
        """Requests of the round to a service, where shards are asked for by themselves."""
        if not self.plan.request.by_shard:
            return None
        best_of, steps = self.plan.request.settings.best_of, self.plan.steps
        asked = (step.service or each.service for each in self.plan.candidates for step in steps)
        return (best_of.answers if best_of else 1) * sum(_same(each, service) for each in asked)

    def _ledger(self, service: Service) -> Ledger:
        for known, ledger in self.ledgers:
            if _same(known, service):
                return ledger
        self.ledgers.append((service, ledger := Ledger()))
        return ledger


def reasons(answers: Sequence[Reply | Failure]) -> list[tuple[str, int]]:
    """Count the reasons of failed requests, the most frequent first."""
    return Counter(each.reason for each in answers if isinstance(each, Failure)).most_common()


def _distinct(services: Sequence[Service]) -> list[Service]:
    """Each different service once, in order; most rounds have one object for all."""
    found: list[Service] = []
    for service in services:
        if not any(_same(service, each) for each in found):
            found.append(service)
    return found


def _same(one: Service, other: Service) -> bool:
    return one is other or one == other
