"""`expect_column_distinct_ngrams_to_be_between`: texts do not repeat the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import gx
from expectations.custom.table import PHRASES
from expectations.custom.texts import TextDiversity
from expectations.measures import text_diversity

VERSION: Final = "distinct_ngrams/1"
"""Raised when the verdicts change for equal input."""


class ExpectColumnDistinctNgramsToBeBetween(TextDiversity):
    """Expect enough of the word sequences of texts to be different (distinct-n, Li et al. 2016).

    The observed value is the number of different n-grams over that of all n-grams, in (0, 1]; words
    are what stands between white space, without regard to case.

    Args:
        column: of texts.
        length: words of an n-gram.
        min_value, max_value, min_ratio, max_ratio, min_p_value, against, draws, max_rows, seed: as
            in `Compared`.
    """

    length: int = gx.Field(default=2, ge=1, le=10)

    sentence: ClassVar[str] = "The word sequences of $column must be diverse"
    phrases: ClassVar[dict[str, str]] = {"length": "of $length words", **PHRASES}

    def figure(self, texts: pl.Series) -> Callable[[NDArray[np.int64]], float]:
        """Return distinct-n as a function of the chosen texts."""
        return text_diversity.ngrams(texts, self.length).distinct
