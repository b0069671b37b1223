"""`expect_column_compression_ratio_to_be_between`: texts do not repeat each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations.custom.texts import TextDiversity
from expectations.measures import text_diversity

VERSION: Final = "compression/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnCompressionRatioToBeBetween(TextDiversity):
    """Expect texts to repeat each other no more, and no less, than real ones (Shaib et al. 2024).

    The observed value is the number of bytes of all texts over that of the same compressed by
    gzip's method; English prose has 2 to 3, a template filled in again and again 10 and more.

    Args:
        column: of texts.
        min_value, max_value, min_ratio, max_ratio, min_p_value, against, draws, max_rows, seed: as
            in `Compared`.
    """

    sentence: ClassVar[str] = "The texts of $column must not repeat each other"

    def figure(self, texts: pl.Series) -> Callable[[NDArray[np.int64]], float]:
        """Return the compression ratio as a function of the chosen texts."""
        all_texts = texts.to_numpy()
        return lambda chosen: text_diversity.compression(all_texts[chosen])
