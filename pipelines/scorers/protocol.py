"""What a scorer is: a class that adds columns to candidates, and what it is given.

A scorer says which columns it adds and which it reads, whether a row's score depends on that row
alone, what can be set, and on what else its scores depend (`model_digest`). It is shown `round`,
`row` and the columns that it reads, and nothing else, so that a score which is kept can be found
again by what it was computed from.

A setting that is named like a column of `needs` holds the name that this column really has; None: a
data set without that column, which then is not read.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast, runtime_checkable

import polars as pl

from pipelines.common.plugins import Plugin
from pipelines.common.settings import StrictModel
from pipelines.llm.costs import Ledger
from pipelines.llm.service_cost import ServiceCost
from pipelines.scorers.expected import Expected

DataType = pl.DataType | type[pl.DataType]
KEY: Final = ("round", "row")
READABLE: Final = ("earlier", "held_out")
"""What a scorer may ask for besides the real rows."""
Own = TypeVar("Own", bound=StrictModel)
"""A scorer's own settings."""
Prepared = TypeVar("Prepared")


def _quiet(done: int, of: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Given:
    """Data that scores are computed from besides the candidates."""

    real: pl.DataFrame
    """The real training rows: round, row and payload."""
    earlier: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Accepted samples of earlier rounds, as `real`; empty unless a scorer `reads` them."""
    held_out: pl.DataFrame | None = None
    """Fingerprints of the held-out real rows: split, row, sample_id, payload; None unless read."""
    seed: int = 0
    """Of every random choice."""
    content: tuple[str, ...] = ()
    """Columns that are the content of a row, without what is to be predicted."""
    progress: Callable[[int, int], None] = _quiet
    """Told how many rows are done, and of how many."""
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    """What the service of a scorer has cost, by the scorer's name, over all candidates."""

    prepared: dict[Hashable, tuple[pl.DataFrame, Any]] = field(default_factory=dict)
    """What scorers have prepared of real rows, so that further candidates need not wait for it."""

    def once(self, key: Hashable, prepare: Callable[[], Prepared]) -> Prepared:
        """Return what a scorer prepares of this data alone, such as a classifier; made once.

        Args:
            key: of the scorer, with all of its settings on which it depends.
            prepare: makes it.
        """
        real, made = self.prepared.get(key, (None, None))
        if real is not self.real:
            made = prepare()
            self.prepared[key] = self.real, made
        return cast("Prepared", made)

    def ledger(self, scorer: str) -> Ledger:
        """Return the ledger of a scorer, whose budget is for all candidates, however asked for."""
        return self.ledgers.setdefault(scorer, Ledger())

    def held_out_texts(self, column: str) -> pl.Series | None:
        """Return a column of the held-out rows; None where their fingerprints do not have it."""
        if self.held_out is None or column not in self.held_out.columns:
            return None
        return self.held_out[column]


class Scorer(Plugin, Protocol[Own]):
    """A class that adds columns to candidates."""

    Settings: type[Own]
    """What can be set for it under `verify.scorers` in params.yaml."""
    columns: ClassVar[Mapping[str, DataType]]
    """What it adds; names are unique over all scorers of a data set."""
    needs: ClassVar[tuple[str, ...]]
    """Payload columns that it reads, of candidates and of `Given` alike."""
    reads_content: ClassVar[bool] = False
    """Whether it reads `Given.content` besides, whatever these columns are called."""
    rowwise: ClassVar[bool]
    """A row's score depends on that row and `model_digest` alone, so it is kept row by row."""
    uses_all_cores: ClassVar[bool] = False
    """Whether it keeps the cores of a machine busy by itself, and is not to run beside others."""
    reads: ClassVar[tuple[str, ...]] = ()
    """What it reads besides the real rows, of `READABLE`; what is not named is not read from the
    lake, and is empty or None."""

    @abstractmethod
    def model_digest(self, given: Given, settings: Own) -> str:
        """Digest of all that the scores depend on besides the candidates, settings and version.

        Such as a model's weights, the real rows, a seed, versions of libraries.
        """

    @abstractmethod
    def score(self, candidates: pl.DataFrame, given: Given, settings: Own) -> pl.DataFrame:
        """Score the candidates.

        Args:
            candidates: round, row, and the columns that are needed.
            given: the rest.
            settings: the scorer's own.

        Returns:
            round, row, `columns`; one row per candidate in its order; what cannot be computed is
            null, never a number.
        """


@runtime_checkable
class ScoresReal(Protocol):
    """A scorer that can score the real rows themselves.

    So an expectation can compare its columns with real data. Where scores do not depend on the real
    rows, this is `score(given.real, given, settings)`.
    """

    def score_real(self, given: Given, settings: Any) -> pl.DataFrame:  # noqa: ANN401  each its own
        """Score the real rows, each as if it were not among them: round, row, columns."""


@runtime_checkable
class TypesFollowData(Protocol):
    """A scorer of whose columns some have the type of the data, such as labels that are names."""

    def column_types(
        self,
        given: Given,
        settings: Any,  # noqa: ANN401  each has its own
    ) -> Mapping[str, DataType]:
        """Return the types of all its columns, in the order of `columns`, for these real rows."""


@runtime_checkable
class SuggestsExpectations(Protocol):
    """A scorer that says what can be expected of its columns.

    `stemma dataset add` and `stemma suite new` write a suite from it; of the columns of other
    scorers they write nothing.
    """

    def expected(self, settings: Any) -> tuple[Expected, ...]:  # noqa: ANN401  each its own
        """Return the expectations about this scorer's columns, in the order of the suite."""


@runtime_checkable
class EstimatesCost(Protocol):
    """A scorer that asks a service, and can say beforehand what that will take."""

    def cost(
        self,
        rows: pl.DataFrame,
        candidates: int,
        settings: Any,  # noqa: ANN401  each has its own
    ) -> ServiceCost:
        """Estimate what scoring a round will request, without sending anything.

        Args:
            rows: at least one row like the candidates, with the columns that are needed.
            candidates: how many there will be.
            settings: the scorer's own.
        """


def columns_read(
    scorer: Scorer[Any], settings: StrictModel, content: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the names that the columns a scorer reads have in the data set.

    Args:
        scorer: the scorer.
        settings: its own.
        content: columns that are the content of a row.
    """
    named = (getattr(settings, need, need) for need in scorer.needs)
    read = (str(name) for name in named if name is not None)
    return tuple(dict.fromkeys((*(content if scorer.reads_content else ()), *read)))


def column_types(scorer: Scorer[Any], given: Given, settings: StrictModel) -> dict[str, DataType]:
    """Return the types of the columns that a scorer adds to candidates."""
    if isinstance(scorer, TypesFollowData):
        return dict(scorer.column_types(given, settings))
    return dict(scorer.columns)
