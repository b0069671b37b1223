"""What a generator is: a class that learns from the training mix and makes candidates.

Stage `fit` lets it learn from the mix, or take from it what it needs, and keep that in a folder;
stage `generate` lets it plan a round and make its shards from that folder alone. What it keeps
travels with the lake, so a second clone needs nothing else.

A generator that asks a service has a method `cost` (`EstimatesCost`), which `stemma estimate` asks;
one that can make a shard again has a method `replay` (`Replays`), which `stemma replay` asks.

Shards may be made in several processes, each of which has planned the round by itself
(`pipelines.common.executors`). What `report` needs of a shard besides its rows, a method
`shard_facts` gives (`ReportsShards`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    Protocol,
    TypeVar,
    runtime_checkable,
)

from pipelines.common import shards
from pipelines.common.plugins import Plugin
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generators.slots import Slots

if TYPE_CHECKING:
    import polars as pl

    from pipelines.llm.service_cost import ServiceCost

STAGE: Final = "generate"
Own = TypeVar("Own", bound=StrictModel)
"""A generator's own settings of stage `generate`."""
OwnFit = TypeVar("OwnFit", bound=StrictModel)
"""A generator's own settings of stage `fit`."""


@dataclass(frozen=True, slots=True)
class GenerateRequest(Generic[Own]):
    """The candidates that a round requests from its generator."""

    dataset: str
    round: int
    seed: int
    """Root of every random choice."""
    identity: tuple[str, ...]
    """Columns that are the content of a sample."""
    candidates: int
    """How many."""
    shard_rows: int
    """Candidates per shard."""
    settings: Own
    """The generator's own section of `generate`."""
    directory: Path
    """The generator's files, as its `fit` wrote them."""
    read: Callable[[str, str | None], pl.DataFrame] | None = None
    """Reads a table or a folder of images, as real data is read and typed; takes its path, and the
    column with the labels where that is not `label`. None outside of a project."""
    samples: Callable[[str, int], tuple[str, pl.DataFrame]] | None = None
    """Reads the accepted rows of a published round of any data set of the project; returns the
    commit that pins them, and round, row and content. None outside of a project."""
    score: Callable[[str, pl.DataFrame], pl.Series] | None = None
    """Scores rows like candidates by a column of a scorer; null where there is no score. None
    where no scorer is asked for."""
    answers: tuple[str, ...] = ("label",)
    """Columns beside the identity, where rows have them, that are to be predicted."""
    kept: tuple[str, ...] = ()
    """Further columns that travel with the samples, which a generator may make."""
    by_shard: bool = False
    """Whether a later shard may not be wanted, so that one that asks a service does so for each
    shard by itself."""

    expected: int | None = None
    """Of an estimate: how many candidates will be made, where the round may end before all are."""

    def shards(self) -> tuple[Shard, ...]:
        """The shards of the round, in order, each with a seed of its own."""
        parts = (self.dataset, self.round, STAGE)
        return tuple(shards.split(self.candidates, self.shard_rows, *parts, root=self.seed))


@dataclass(frozen=True, slots=True)
class GeneratePlan(Generic[Own]):
    """What a generator will make for a request, decided before anything is made."""

    request: GenerateRequest[Own]
    shards: tuple[Shard, ...]
    content: Any = None
    """What the generator needs of its plan for every shard, such as the requests of a service."""
    made: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """What `ReportsShards.shard_facts` said of each shard, by its number, for `report`."""


@dataclass(frozen=True, slots=True)
class GenerateBatch:
    """Candidates of a shard that are ready, with their parents."""

    candidates: pl.DataFrame
    """row (one of the shard's), payload, seed, shard, sample_id; `prompt_digest` and
    `opaque_share` where rows have their own. A row that could not be made is left out."""
    parents: pl.DataFrame | None = None
    """Explicit parents and their weights, as `lineage.edges.PARENT`, of rows of this batch. They
    are rows of the round's data set at the commit of the mix; with a column `commit`, rows of the
    data set that they name at that commit, where it is not null."""


@dataclass(frozen=True, slots=True)
class GenerateReport:
    """What a generator reports when all shards of a plan are made."""

    environment: Mapping[str, Any]
    """What a second making must share with this one to give the same."""
    cost: Mapping[str, Any] = field(default_factory=dict)
    """What it took besides seconds, such as tokens and dollars."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the round's manifest says of the making besides, such as requests that failed."""
    maker: str | None = None
    """Digest of what made the candidates besides the generator's folder, such as the file that they
    are from. It is part of the generator's digest in lineage."""
    source: str | None = None
    """What lineage says that rows without parents are from, such as a simulator."""
    licence: str | None = None
    """The licence of these rows in lineage."""
    exchanges: pl.DataFrame | None = None
    """What services were asked and answered, as `exchanges.SCHEMA`; kept with the round."""
    unmade: Mapping[str, int] = field(default_factory=dict)
    """Rows that were asked for and of which no candidate came, by the reason in words."""


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """All candidates of a round, and how they were made."""

    candidates: pl.DataFrame
    """row (from 0, dense), payload, seed, shard, sample_id, opaque_share; prompt_digest where there
    is one."""
    parents: pl.DataFrame | None
    """As `GenerateBatch.parents`, their rows those of `candidates`."""
    report: GenerateReport
    slots: Slots | None = None
    """How many rows were planned and asked for; None where not all of a plan is meant."""


class Generator(Plugin, Protocol[OwnFit, Own]):
    """A class that learns from the training mix and makes candidates."""

    FitSettings: type[OwnFit]
    """What can be set for it under `fit` in params.yaml."""
    GenerateSettings: type[Own]
    """What can be set for it under `generate` in params.yaml."""
    attribution: ClassVar[str]
    """Name and version of the rule that gives weights to the inputs of a candidate."""
    opaque_share: ClassVar[float] = 0.0
    """How much of what a candidate does not owe to explicit parents comes from data that nobody
    knows: 0 of a model that has learnt from the training mix alone, 1 of one whose training data is
    unknown. In between, of a pretrained model that was fine-tuned on the mix."""
    modalities: ClassVar[tuple[str, ...]] = ()
    """Names of the modalities whose rows it can make; none: it does not say."""
    no_replay: ClassVar[str] = ""
    """Why a shard cannot be made again, for people, where there is no method `replay`."""

    def fit_files(self, settings: OwnFit) -> tuple[Path, ...]:  # noqa: ARG002  most have none
        """Files that the user wrote and that the fit depends on; `files` is about candidates.

        Args:
            settings: its own section of `fit`.
        """
        return ()

    def reads(self, settings: Own) -> tuple[tuple[str, int], ...]:  # noqa: ARG002  most read none
        """Rounds of data sets, besides the mix, whose accepted rows candidates are made of.

        Args:
            settings: its own section of `generate`.
        """
        return ()

    def scored_by(self, settings: Own) -> str | None:  # noqa: ARG002  most ask for no score
        """Column of a scorer by which it chooses among what it makes; None: it does not.

        Args:
            settings: its own section of `generate`.
        """
        return None

    @abstractmethod
    def fit(self, samples: pl.DataFrame, settings: OwnFit, seed: int, directory: Path) -> None:
        """Learn from a mix, and write the generator.

        Args:
            samples: round, row, sample_id, payload, weight (not normalised) of the mix.
            settings: its own section of `fit`.
            seed: of every random choice.
            directory: where to; gets `manifest.json`, with `kind` and `rows`, and what else the
                generator needs.
        """

    def plan(self, request: GenerateRequest[Own]) -> GeneratePlan[Own]:
        """Plan the shards of a request.

        Raises:
            GeneratorError: the generator's files or its settings do not allow it.
        """
        return GeneratePlan(request, request.shards())

    @abstractmethod
    def generate(self, plan: GeneratePlan[Own], shard: Shard) -> Iterator[GenerateBatch]:
        """Make the candidates of a shard, as a stream.

        What is made depends on the plan and the shard alone, not on the shards before it.

        Raises:
            GeneratorError: they cannot be made.
        """

    @abstractmethod
    def report(self, plan: GeneratePlan[Own]) -> GenerateReport:
        """Say how the shards of a plan were made, when all of them are."""


@runtime_checkable
class ReportsShards(Protocol):
    """A generator whose report needs what happened when its shards were made.

    They may have been made in other processes, on other machines, or by an earlier run that was
    killed, so that `report` finds what is said here in `GeneratePlan.made` and nowhere else.
    """

    def shard_facts(self, plan: GeneratePlan[Any], shard: Shard) -> Mapping[str, Any]:
        """Say, as JSON values, what the report needs of a shard that was made a moment ago."""


@runtime_checkable
class ChecksRows(Protocol):
    """A generator that can say before its fit whether its settings suit the rows."""

    def check_rows(self, rows: pl.DataFrame, request: GenerateRequest[Any]) -> None:
        """Raise one of the project's errors, with a remedy, if they do not.

        Args:
            rows: a few real rows, as `Generator.fit` gets them, without weights.
            request: the round; there is nothing in its directory yet.
        """


@runtime_checkable
class EstimatesCost(Protocol):
    """A generator that asks a service, and can say beforehand what that will take."""

    def cost(
        self,
        samples: pl.DataFrame,
        fit: Any,  # noqa: ANN401  each generator has its own
        seed: int,
        request: GenerateRequest[Any],
    ) -> Sequence[ServiceCost]:
        """Estimate what a round will request from services, without sending anything.

        Args:
            samples: the mix, as `Generator.fit` gets it.
            fit: the generator's own settings of `fit`.
            seed: of the fit.
            request: the round; there is nothing in its directory yet.
        """


class Trial(Protocol):
    """The first candidates of a round, which can be asked for by themselves."""

    def costs(self) -> Sequence[ServiceCost]:
        """What asking will take; nothing is sent."""

    def make(self) -> GenerateResult:
        """Ask for the candidates, exactly as the round would."""


@runtime_checkable
class Tries(Protocol):
    """A generator that asks a service, and can be tried before a round is made."""

    def fit(
        self,
        samples: pl.DataFrame,
        settings: Any,  # noqa: ANN401  each generator has its own
        seed: int,
        directory: Path,
    ) -> None:
        """As `Generator.fit`."""

    def trial(self, request: GenerateRequest[Any], count: int) -> Trial:
        """Plan a round, of which the first candidates are asked for.

        Args:
            request: the round.
            count: candidates to try.
        """


@runtime_checkable
class ChecksRequest(Protocol):
    """A generator that can say before its fit that a round cannot be made as it is set."""

    def check_request(self, request: GenerateRequest[Any]) -> None:
        """Raise one of the project's errors, with a remedy, if settings do not fit the round.

        Args:
            request: the round; there may be nothing in its directory yet.
        """


@runtime_checkable
class Replays(Protocol):
    """A generator that can make a shard again and get the same bits."""

    def replay(
        self, request: GenerateRequest[Any], shard: Shard, recorded: Mapping[str, Any]
    ) -> GenerateResult:
        """Make a shard of a recorded round again.

        Args:
            request: the round, with the generator's files as the lake holds them.
            shard: one of its shards, with the seed that lineage records.
            recorded: the environment in which it was made then.
        """
