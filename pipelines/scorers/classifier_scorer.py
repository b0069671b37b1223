"""What scorers share that ask a classifier which is trained on the real rows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.scorers import columns, digests
from pipelines.scorers.protocol import DataType, Given, Own, Scorer, columns_read


class ClassifierScorer(Scorer[Own]):
    """The label that a classifier sees in each row, and how sure it is."""

    rowwise = True
    libraries: ClassVar[tuple[str, ...]]
    """Distributions that fit the classifier."""

    def model_digest(self, given: Given, settings: Own) -> str:
        """Digest the rows that the classifier learns from, and the libraries that fit it."""
        return digests.of_values(
            real=digests.of_frame(given.real, columns_read(self, settings)),
            seed=given.seed,
            libraries=digests.versions(*self.libraries),
        )

    def scores(
        self,
        rows: pl.DataFrame,
        labels: NDArray[Any],
        confidence: NDArray[np.float64],
        known: NDArray[np.bool_],
        label_type: DataType | None = None,
    ) -> pl.DataFrame:
        """Build the result.

        Args:
            rows: round, row and more.
            labels: [n].
            confidence: [n].
            known: [n], where there is a label; elsewhere both scores are null.
            label_type: of the labels; None: the one that `columns` says.
        """
        label, chance = self.columns
        kind = self.columns[label] if label_type is None else label_type
        return columns.scores(
            rows,
            {label: kind, chance: self.columns[chance]},
            {label: labels, chance: confidence},
            dict.fromkeys(self.columns, known),
        )
