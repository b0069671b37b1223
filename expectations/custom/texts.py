"""Base class of the expectations about the diversity of texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import gx
from expectations.custom.compared import NULL_LIMITS, Compared
from expectations.custom.table import LIMITS, Finding, drawn
from expectations.errors import CannotJudge
from expectations.measures import null
from expectations.measures.null import Comparison, Side

VERSION: Final = "texts/1"
"""Raised when the verdicts change for equal input."""


class TextDiversity(Compared, ABC):
    """An expectation about a figure of several texts together.

    With `min_value` and `max_value` alone it needs no real rows. The figure depends on the number
    of texts, which is `max_rows` or that of the batch, so a ratio to real rows says more.
    """

    column: str
    draws: int = gx.Field(default=100, ge=2, le=10_000)
    max_rows: int = gx.Field(default=1000, ge=20, le=100_000)

    worse: ClassVar[Side] = "both"
    args_keys: ClassVar[tuple[str, ...]] = ("column", *LIMITS)

    @property
    def reference(self) -> str | None:
        """Name of the rows that texts are compared with; None if no limit refers to real rows."""
        compares = any(getattr(self, name) is not None for name in NULL_LIMITS)
        return self.against if compares else None

    @abstractmethod
    def figure(self, texts: pl.Series) -> Callable[[NDArray[np.int64]], float]:
        """Return the figure as a function of the positions of the chosen texts."""

    def find(self, candidates: pl.DataFrame, reference: pl.DataFrame | None) -> Finding:
        """Compute the figure, and its null if a limit refers to it."""
        if reference is not None:
            return super().find(candidates, reference)
        texts = self._texts(candidates, self.max_rows)
        if len(texts) < null.MIN_ROWS:
            raise CannotJudge(f"{len(texts)} texts are too few: {null.MIN_ROWS} are needed")
        value = self.figure(texts)(np.arange(len(texts)))
        return Finding(self.within(value), value, {"candidates": len(texts)})

    def compare(self, candidates: pl.DataFrame, reference: pl.DataFrame) -> Comparison:
        """Compare the figure of k candidates with that of k real texts."""
        ours = self._texts(candidates, self.max_rows)
        theirs = self._texts(reference, 2 * self.max_rows)
        figure = self.figure(pl.concat([ours, theirs]))
        places = np.arange(len(ours) + len(theirs))

        def of_left(left: NDArray[Any], _: NDArray[Any]) -> float:
            return figure(left)

        return self.with_null(
            of_left,
            places[: len(ours)],
            places[len(ours) :],
        )

    def _texts(self, frame: pl.DataFrame, rows: int) -> pl.Series:
        dtype = frame.schema[self.column]
        if dtype != pl.String:
            raise CannotJudge(f"column {self.column!r} holds {dtype}; texts are needed")
        return drawn(frame[self.column], rows, self.seed)
