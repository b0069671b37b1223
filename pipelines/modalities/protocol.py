"""What a modality is: a class that knows how rows of a data set are read, compared and shown.

An instance is made with the columns that are the content of a sample, the data set's identity, and,
if the class has settings, with these.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.plugins import NoSettings, Plugin
from pipelines.common.settings import StrictModel
from pipelines.metrics import Labelled

Pairs: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Rows of one frame, rows of another, and how far apart they are; in order of the first."""

LABEL = "label"


class Modality(Plugin, Protocol):
    """Reads, compares, measures and draws the rows of a data set."""

    Settings: ClassVar[type[StrictModel]] = NoSettings
    """What can be set for it under `ingest` in params.yaml."""
    near: ClassVar[str]
    """What `ingest.near` is a distance of."""
    default_near: ClassVar[float]
    """Distance of near-duplicates where params.yaml gives none."""
    scorers: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Scorers with their settings where params.yaml names none."""
    metrics: ClassVar[tuple[str, ...]] = ("shape",)
    """What measures a round; others are set under `evaluate.metrics` in params.yaml."""
    guard_metrics: ClassVar[tuple[str, ...]] = ()
    """What measures a round besides, because checks of the guard are about it."""
    task: ClassVar[str]
    """What the data is for, where params.yaml names no task of its own."""
    unlabelled_task: ClassVar[str] = ""
    """The task where params.yaml names none, and the data has no two labels to tell apart. Empty
    where there is none: figures of a task are not applicable then, and those of shape judge a round
    alone. Its version is not in the key of `evaluate`, so whoever raises it also raises that of the
    modality."""
    second_task: ClassVar[str] = ""
    """A task that judges mixes by models of another family, where params.yaml names no task. Empty
    where there is none."""
    generator: ClassVar[str]
    """Generator of the first round that `stemma round add` writes."""
    csv_types: ClassVar[bool] = False
    """Whether columns of a CSV file get the types of their values; otherwise all are texts."""
    derived: ClassVar[tuple[str, ...]] = ()
    """Columns that `shown` adds, which no column of the user's can be called like."""
    pairs_are_within: ClassVar[bool] = False
    """Whether `pairs` links all rows that `within` finds near, whichever of them are compared. A
    split by groups then has no near-duplicates across it, and ingest need not search for them."""
    whole_picture: ClassVar[bool] = False
    """Its picture is of all rows of a round, instead of some of each class."""

    def __init__(self, identity: tuple[str, ...]) -> None:
        """Make a modality for a data set whose identity is these columns."""

    @property
    def answer(self) -> str:
        """The column that is to be predicted from the others, if rows have it."""
        return LABEL

    @abstractmethod
    def columns(self, frame: pl.DataFrame) -> list[str]:
        """Return the payload columns of a frame: the content, and the label if there is one."""

    @abstractmethod
    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Cast the payload to the types that the lake stores.

        Args:
            source: its name, for errors.
            frame: what a source gave.

        Raises:
            DataError: a column is missing, or has the wrong type, or no value in a row.
        """

    @abstractmethod
    def place(self) -> pl.Expr:
        """Return where in its source a row is, such as the path of its file; null if unknown."""

    @abstractmethod
    def pairs(self, frame: pl.DataFrame, near: float) -> NDArray[np.int64]:
        """Find all near-duplicates among rows: [pairs, 2], the lower row first."""

    @abstractmethod
    def within(self, rows: pl.DataFrame, real: pl.DataFrame, near: float) -> Pairs:
        """Find all pairs of a row and a real row that are near-duplicates, the closest first.

        What is found of a row depends on that row and the real ones alone: a large round is
        compared block by block.
        """

    @abstractmethod
    def readable(self, rows: pl.DataFrame, like: pl.DataFrame) -> pl.Series:
        """Return which rows have content that can be compared with that of others."""

    @abstractmethod
    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the payload as scorers and suites see it, with derived columns."""

    def measured_digests(self, settings: Any) -> Mapping[str, str]:  # noqa: ANN401, ARG002  each has its own
        """Return digests of what `measured` depends on besides rows and settings, by name.

        Such as the weights of a network. They are in the key of stage `evaluate` alone.

        Args:
            settings: An instance of the class's own `Settings`.
        """
        return {}

    @abstractmethod
    def measured(
        self, real: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
    ) -> Mapping[str, Labelled]:
        """Turn rows into points, with inputs and labels for the downstream task.

        Args:
            real: the real training rows, on which fixed features are fitted.
            frames: payload by name; a column `weight` says how much rows count.
        """

    @abstractmethod
    def picture(
        self, *, real: pl.DataFrame, accepted: pl.DataFrame, refused: pl.DataFrame, title: str
    ) -> bytes:
        """Draw a round: a PNG.

        Args:
            real: some real rows of each class.
            accepted: some accepted candidates of each class.
            refused: refused candidates, with `reason`; unless `whole_picture`, only some of the
                first, of all and of each label, have their payload, and it is null in others.
            title: of the picture.
        """


def missing(source: str, frame: pl.DataFrame, wanted: Sequence[str]) -> str | None:
    """Describe which of these columns a source lacks; None if it has all."""
    for column in wanted:
        if column not in frame.columns:
            columns = ", ".join(frame.columns)
            return f"{source} has no column {column!r}; it has: {columns}"
    return None
