"""What a generator is: a folder of this package with a module `generator` of these names.

Stage `fit` lets it learn from the training mix, or take from it what it needs, and keep that in a
folder; stage `generate` lets it make the candidates of a round from that folder alone. What it
keeps travels with the lake, so a second clone needs nothing else.

A generator may also have

    def files(settings) -> tuple[str, ...]

which names files outside of its folder that candidates depend on, such as a prompt of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import polars as pl

Own = TypeVar("Own")
"""A generator's own section of the settings of a stage."""


@dataclass(frozen=True, slots=True)
class GenerateRequest(Generic[Own]):
    """What a round asks of its generator."""

    dataset: str
    round: int
    seed: int
    """Root of every random choice."""
    identity: tuple[str, ...]
    candidates: int
    """How many."""
    shard_rows: int
    """Candidates per shard."""
    settings: Own
    """The generator's own section of `generate`; None where it may be left out and is."""
    directory: Path
    """The generator's files."""


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """What a generator made of it."""

    candidates: pl.DataFrame
    """row (from 0, dense), payload, seed, shard, sample_id; prompt_digest where there is one."""
    environment: Mapping[str, Any]
    """What a second making must share with this one to give the same."""
    cost: Mapping[str, Any] = field(default_factory=dict)
    """What it took besides seconds, such as tokens and dollars."""
    parents: pl.DataFrame | None = None
    """Explicit parents, as `lineage.edges.PARENT`; they are rows of the mix."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the round's manifest says of the making besides, such as requests that failed."""


class Generator(Protocol):
    """A module `pipelines.generators.<name>.generator`."""

    KIND: str
    """Name and version, as the generator's manifest has it."""
    ATTRIBUTION: str
    """Name and version of the rule that gives weights to the inputs of a candidate."""
    OPAQUE: bool
    """Whether its training data is unknown, so that it is an opaque root; else it has learnt from
    the training mix alone."""

    def fit(
        self,
        samples: pl.DataFrame,
        settings: Any,  # noqa: ANN401  each generator has its own
        seed: int,
        directory: Path,
    ) -> None:
        """Learn from a mix, and write the generator.

        Args:
            samples: round, row, sample_id, payload, weight (not normalised) of the mix.
            settings: its own section of `fit`.
            seed: of every random choice.
            directory: where to; gets `manifest.json`, with `kind` and `rows`, and what else the
                generator needs.
        """

    def make(self, asked: GenerateRequest[Any]) -> GenerateResult:
        """Make all candidates of a round.

        Raises:
            GeneratorError: the generator's files cannot be read.
        """
