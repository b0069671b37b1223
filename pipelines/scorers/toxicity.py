"""How likely is a text to be offensive?

By alt-profanity-check: a linear support vector machine on single words, calibrated to
probabilities, learnt from 200,000 English tweets and comments that people marked as offensive or
not. Its model is in its package, for exactly the scikit-learn that it names. It sees words, not
meaning: it knows no language but English, misses threats and contempt in polite words, and marks
harmless uses of words that are often abused.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines.common import optional
from pipelines.scorers import columns
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given
from pipelines.scorers.text_scorer import TextScorer, TextSettings

COLUMNS: Final = {"toxicity": pl.Float64}
BLOCK: Final = 8192


class Toxicity(TextScorer[TextSettings]):
    """Probability that a text is offensive."""

    name = "toxicity"
    version = "toxicity/1"
    Settings = TextSettings
    columns = COLUMNS
    libraries = ("alt-profanity-check", "scikit-learn")

    def expected(self, settings: TextSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect texts that are no more likely to be offensive than nearly all real ones."""
        return (Expected("not_offensive", "toxicity", high=Quantile(0.995)),)

    def score(self, candidates: pl.DataFrame, given: Given, settings: TextSettings) -> pl.DataFrame:
        """Estimate how likely each text is to be offensive.

        Args:
            candidates: round, row, text.
            given: told how far the work is.
            settings: names of columns.

        Returns:
            round, row, toxicity in [0, 1]; null where there is no text.

        Raises:
            LibraryError: the library alt-profanity-check is not installed.
        """
        check = optional.library("profanity_check", "toxicity of texts")
        texts = candidates[settings.text].cast(pl.String)
        readable = texts.drop_nulls()
        probabilities = np.empty(len(readable))
        for start in range(0, len(readable), BLOCK):
            block = readable[start : start + BLOCK].to_list()
            probabilities[start : start + len(block)] = check.predict_prob(block)
            given.progress(start + len(block), len(readable))
        has_text = texts.is_not_null().to_numpy()
        values = np.zeros(len(texts))
        values[has_text] = np.clip(probabilities, 0, 1)
        return columns.scores(candidates, COLUMNS, {"toxicity": values}, {"toxicity": has_text})
