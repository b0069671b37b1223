"""What a scorer is: a module with these names, and what it is given.

A scorer says which columns it adds (`COLUMNS`), which it reads (`NEEDS`), whether a row's score
depends on that row alone (`ROWWISE`), what can be set (`Settings`) and on what else its scores
depend (`model_digest`). It is shown `round`, `row` and the columns that it reads, and nothing else,
so that a score which is kept can be found again by what it was computed from.

A scorer may also have:

    READS: Final[tuple[str, ...]] = …
        What it reads besides `given.real`: some of `earlier` and `held_out`. What is not asked for
        is not read, and empty or None.
    def score_real(given, settings) -> pl.DataFrame
        Scores of the real rows themselves, as `score` gives them for candidates, each as if it were
        not among the real rows: so an expectation can compare its columns with real data. Where
        scores do not depend on the real rows, it is `score(given.real, given, settings)`.

    def files(settings) -> tuple[str, ...]
        Files outside of this folder that its scores depend on, such as a rubric of the user's.

A setting that is named like a column of `NEEDS` holds the name that this column really has; None: a
data set without that column, which then is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

import polars as pl

from pipelines.common.settings import StrictModel

DataType = pl.DataType | type[pl.DataType]
KEY: Final = ("round", "row")
READABLE: Final = ("earlier", "held_out")
"""What a scorer may ask for besides the real rows."""


def _quiet(done: int, of: int) -> None:
    """Tell nobody how far the work is."""


@dataclass(frozen=True, slots=True)
class Given:
    """What scores are computed from besides the candidates."""

    real: pl.DataFrame
    """The real training rows: round, row and payload."""
    earlier: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Accepted samples of earlier rounds, as `real`; empty unless a scorer `READS` them."""
    held_out: pl.DataFrame | None = None
    """Fingerprints of the held-out real rows: split, row, sample_id, payload; None unless read."""
    seed: int = 0
    """Of every random choice."""
    progress: Callable[[int, int], None] = _quiet
    """Told how many rows are done, and of how many."""


@runtime_checkable
class Scorer(Protocol):
    """A module of `pipelines/scorers`."""

    COLUMNS: Mapping[str, DataType]
    """What it adds; names are unique over all scorers."""
    NEEDS: tuple[str, ...]
    """Payload columns that it reads, of candidates and of `Given` alike."""
    ROWWISE: bool
    """A row's score depends on that row and `model_digest` alone, so it is kept row by row."""
    Settings: type[StrictModel]

    def model_digest(self, given: Given, settings: StrictModel) -> str:
        """Digest of all that the scores depend on besides the candidates, settings and code.

        Such as a model's weights, the real rows, a seed, versions of libraries.
        """

    def score(self, candidates: pl.DataFrame, given: Given, settings: StrictModel) -> pl.DataFrame:
        """Score the candidates.

        Args:
            candidates: round, row, `NEEDS`.
            given: the rest.
            settings: the scorer's own.

        Returns:
            round, row, `COLUMNS`; one row per candidate in its order; what cannot be computed is
            null, never a number.
        """


@runtime_checkable
class ScoresReal(Protocol):
    """A scorer that can score the real rows themselves."""

    def score_real(self, given: Given, settings: StrictModel) -> pl.DataFrame:
        """Score the real rows, each as if it were not among them: round, row, columns."""


def columns_read(scorer: Scorer, settings: StrictModel) -> tuple[str, ...]:
    """The real names of the columns that a scorer reads."""
    named = (getattr(settings, need, need) for need in scorer.NEEDS)
    return tuple(str(name) for name in named if name is not None)


def reads(scorer: Scorer) -> tuple[str, ...]:
    """What a scorer reads besides the candidates and the real rows."""
    found: tuple[str, ...] = getattr(scorer, "READS", ())
    return found
