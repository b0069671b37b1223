"""What scorers share that ask a classifier which is trained on the real rows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.scorers import columns, digests
from pipelines.scorers.protocol import Given, Own, Scorer, columns_read


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
    ) -> pl.DataFrame:
        """Build the result.

        Args:
            rows: round, row and more.
            labels: [n].
            confidence: [n].
            known: [n], where there is a label; elsewhere both scores are null.
        """
        values = dict(zip(self.columns, (labels, confidence), strict=True))
        return columns.scores(rows, self.columns, values, dict.fromkeys(self.columns, known))
