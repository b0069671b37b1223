"""Does a classifier trained on real texts see the label that the generator was asked for?"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.settings import StrictModel
from pipelines.features import text_classifier
from pipelines.features.text_classifier import Classifier
from pipelines.scorers.classifier_scorer import ClassifierScorer
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given

COLUMNS: Final = {"predicted_topic": pl.String, "topic_confidence": pl.Float64}


class TextAgreementSettings(StrictModel):
    """Names of the columns with the text and its label."""

    text: str = "text"
    """Column of the texts."""
    label: str = "label"
    """Column of the labels."""


class TextAgreement(ClassifierScorer[TextAgreementSettings]):
    """Does a classifier trained on real texts see the label that the generator was asked for?"""

    name = "text_agreement"
    version = "text_agreement/1"
    needs = ("text", "label")
    libraries = ("scikit-learn", "scipy", "numpy")
    Settings = TextAgreementSettings
    columns = COLUMNS

    def expected(self, settings: TextAgreementSettings) -> tuple[Expected, ...]:
        """Expect the label that was asked for, and a classifier that is as sure as usual."""
        return (
            Expected("topic_agrees", "predicted_topic", equals=settings.label),
            Expected("topic_clear", "topic_confidence", low=Quantile(0.01), severity="warning"),
        )

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: TextAgreementSettings
    ) -> pl.DataFrame:
        """Classify each candidate with a classifier trained on the real rows.

        Args:
            candidates: round, row, text.
            given: text and label of the real rows.
            settings: names of columns.

        Returns:
            round, row, predicted_topic, topic_confidence (probability of that label, not
            calibrated); null where there is no text.

        Raises:
            DataError: there are no real rows, or no word in them.
        """
        classifier = given.once((self.name, settings), lambda: _trained(given, settings))
        readable = candidates[settings.text].is_not_null().to_numpy()
        labels = np.full(len(candidates), "", dtype=object)
        confidence = np.full(len(candidates), np.nan)
        texts = _texts(candidates[settings.text].drop_nulls())
        labels[readable], confidence[readable] = classifier.predict(texts)
        return self.scores(candidates, labels, confidence, readable)

    def score_real(self, given: Given, settings: TextAgreementSettings) -> pl.DataFrame:
        """Classify each real row with a classifier that was not trained on it.

        Raises:
            DataError: a label has too few real rows.
        """
        readable = given.real.select(
            pl.all_horizontal(_columns(settings).is_not_null())
        ).to_series()
        labels = np.full(len(given.real), "", dtype=object)
        confidence = np.full(len(given.real), np.nan)
        real_rows = _labelled(given.real, settings)
        is_readable = readable.to_numpy()
        labels[is_readable], confidence[is_readable] = text_classifier.unseen(
            _texts(real_rows[settings.text]), _texts(real_rows[settings.label]), seed=given.seed
        )
        return self.scores(given.real, labels, confidence, is_readable)


def _trained(given: Given, settings: TextAgreementSettings) -> Classifier:
    real_rows = _labelled(given.real, settings)
    return text_classifier.train(
        _texts(real_rows[settings.text]), _texts(real_rows[settings.label])
    )


def _columns(settings: TextAgreementSettings) -> pl.Expr:
    return pl.col(settings.text, settings.label)


def _labelled(real: pl.DataFrame, settings: TextAgreementSettings) -> pl.DataFrame:
    return real.filter(pl.all_horizontal(_columns(settings).is_not_null()))


def _texts(values: pl.Series) -> NDArray[Any]:
    return np.asarray(values.cast(pl.String).to_list(), dtype=object)
