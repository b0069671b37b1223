"""Text classifier that scores labels and measures training mixes: TF-IDF, logistic regression.

Features are words, pairs of words and the characters within words, each weighted by its inverse
document frequency; the model is linear, with balanced classes (scikit-learn). It is small and
deterministic and learns thousands of texts in seconds. So a difference between two training mixes
comes from the data and not from chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import DataError

PENALTY: Final = 10.0
"""Inverse strength of the regularisation, C, of the logistic regression."""
FOLDS: Final = 5
"""Folds when each row is classified by a model that did not learn from it."""

Labels = NDArray[Any]
Texts = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A trained classifier of texts."""

    pipeline: Any
    """scikit-learn's, from texts to classes; None if there was only one class to learn."""
    classes: Labels
    """The labels that it can predict, in order."""

    def labels(self, texts: Texts) -> Labels:
        """Predict the most probable labels [n] of texts [n]."""
        return self.predict(texts)[0]

    def predict(self, texts: Texts) -> tuple[Labels, NDArray[np.float64]]:
        """Predict the most probable label of each text and its probability, [n] each."""
        if self.pipeline is None or not len(texts):
            return np.resize(self.classes, len(texts)), np.ones(len(texts))
        chances = self.pipeline.predict_proba(texts)
        return self.classes[chances.argmax(axis=1)], chances.max(axis=1)


def train(texts: Texts, labels: Labels, weights: NDArray[np.float64] | None = None) -> Classifier:
    """Train a classifier.

    Args:
        texts: [n].
        labels: [n].
        weights: [n], weight of each row; None: all rows weigh the same.

    Raises:
        DataError: There is no row, or no text has a word.
    """
    classes = np.unique(labels)
    if not len(classes):
        raise DataError("there is no labelled row to train a classifier on")
    if len(classes) == 1:
        return Classifier(None, classes)
    pipeline = _pipeline()
    share = None if weights is None else weights / weights.mean()
    try:
        pipeline.fit(texts, labels, model__sample_weight=share)
    except ValueError as error:
        raise DataError(f"no classifier can be trained on these texts: {error}") from error
    return Classifier(pipeline, classes)


def unseen(texts: Texts, labels: Labels, seed: int = 0) -> tuple[Labels, NDArray[np.float64]]:
    """Classify texts by cross-validation, with models that did not learn from them.

    Args:
        texts: [n].
        labels: [n].
        seed: Seed of the folds.

    Returns:
        The most probable label of each text and its probability, [n] each.

    Raises:
        DataError: A class has too few rows.
    """
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415  slow to import

    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if fewest < FOLDS:
        raise DataError(f"a class has {fewest} real rows; {FOLDS} are needed to classify each anew")
    predicted, chances = np.empty(len(labels), dtype=labels.dtype), np.empty(len(labels))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % (1 << 32))
    for train_rows, test_rows in folds.split(texts, labels):
        trained = train(texts[train_rows], labels[train_rows])
        predicted[test_rows], chances[test_rows] = trained.predict(texts[test_rows])
    return predicted, chances


def _pipeline() -> Any:  # noqa: ANN401  untyped library
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import Pipeline, make_union  # noqa: PLC0415

    from pipelines.features.term_counts import TermVectorizer  # noqa: PLC0415

    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), strip_accents="unicode")
    parts = TermVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 5))
    model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000)
    return Pipeline([("features", make_union(words, parts)), ("model", model)])
