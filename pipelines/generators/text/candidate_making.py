"""A candidate in the making: what was asked for it so far, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.generators.text.plan import Planned, Question
from pipelines.llm.values import Failure, Reply


@dataclass
class Making:
    """A candidate in the making: what was asked for it, and what was answered."""

    planned: Planned
    known: dict[str, Any]
    """Its content so far, and what steps wrote that is not stored."""
    questions: list[Question] = field(default_factory=list)
    answers: list[Reply | Failure] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether one of its requests failed for good."""
        return any(isinstance(each, Failure) for each in self.answers)

    def take(self, question: Question, answer: Reply | Failure) -> None:
        """Take the answer of a step."""
        self.questions.append(question)
        self.answers.append(answer)
        if isinstance(answer, Reply):
            self.known |= {name: answer.parsed[name] for name in question.step.columns}
