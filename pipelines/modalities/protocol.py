"""What a modality is: a class that knows how rows of a data set are read, compared and shown.

An instance is made with the columns that are the content of a sample, the data set's identity.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.plugins import Plugin
from pipelines.metrics import Labelled

Pairs: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Rows of one frame, rows of another, and how far apart they are; in order of the first."""

LABEL = "label"


class Modality(Plugin, Protocol):
    """How rows of a data set are read, compared, measured and shown."""

    near: ClassVar[str]
    """What `ingest.near` is a distance of."""
    default_near: ClassVar[float]
    """Distance of near-duplicates where params.yaml gives none."""
    scorers: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Scorers with their settings where params.yaml names none."""
    metrics: ClassVar[tuple[str, ...]] = ("shape",)
    """What measures a round; others are set under `evaluate.metrics` in params.yaml."""
    task: ClassVar[str]
    """What the data is for, where params.yaml names no task of its own."""
    generator: ClassVar[str]
    """Generator of the first round that `stemma round add` writes."""

    def __init__(self, identity: tuple[str, ...]) -> None:
        """Make a modality for a data set whose identity is these columns."""

    @abstractmethod
    def columns(self, frame: pl.DataFrame) -> list[str]:
        """The payload columns of a frame, in order: the content, and the label if there is one."""

    @abstractmethod
    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Payload with the types that the lake holds.

        Args:
            source: its name, for errors.
            frame: what a source gave.

        Raises:
            DataError: a column is missing, or has the wrong type, or no value in a row.
        """

    @abstractmethod
    def place(self) -> pl.Expr:
        """Where in its source a row stands, such as the path of its file; null where unknown."""

    @abstractmethod
    def pairs(self, frame: pl.DataFrame, near: float) -> NDArray[np.int64]:
        """All near-duplicates among rows: [pairs, 2], the lower row first."""

    @abstractmethod
    def within(self, rows: pl.DataFrame, real: pl.DataFrame, near: float) -> Pairs:
        """All pairs of a row and a real row that are near-duplicates, the closest first."""

    @abstractmethod
    def readable(self, rows: pl.DataFrame, like: pl.DataFrame) -> pl.Series:
        """Which rows have content that can be compared with that of others."""

    @abstractmethod
    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Payload as scorers and suites see it, with what derives from it."""

    @abstractmethod
    def measured(
        self, real: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
    ) -> Mapping[str, Labelled]:
        """Rows as points, with inputs and labels for the downstream task.

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
            refused: refused candidates, with `reason`.
            title: of the picture.
        """


def missing(source: str, frame: pl.DataFrame, wanted: Sequence[str]) -> str | None:
    """What to say of a source without one of these columns; None: all are there."""
    for column in wanted:
        if column not in frame.columns:
            columns = ", ".join(frame.columns)
            return f"{source} has no column {column!r}; it has: {columns}"
    return None
