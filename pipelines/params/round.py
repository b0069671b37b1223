"""One round of params.yaml, as the stages see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lake import refs
from pipelines.generators import real
from pipelines.generators.protocol import GenerateRequest
from pipelines.params.sections import Dataset


@dataclass(frozen=True, slots=True)
class Round:
    """One round as the stages see it, with its settings resolved."""

    key: str
    dataset: str
    number: int
    previous: int
    generator: str
    line: str
    seed: int
    identity: tuple[str, ...]
    settings: Dataset
    revision: int = 0

    @property
    def branch(self) -> str:
        """The round's branch in the lake."""
        return refs.branch_name(self.dataset, self.number, self.line)

    @property
    def accepted(self) -> int | None:
        """The number of accepted candidates with which the round is to end; None: it has none."""
        return None if self.generator == real.NAME else self.settings.generate.accepted

    def generate_request(self, directory: Path) -> GenerateRequest[Any]:
        """The request for the round's candidates to its generator, whose files are in a folder."""
        return self.settings.generate_request(
            self.generator, self.dataset, self.number, self.seed, directory
        )
