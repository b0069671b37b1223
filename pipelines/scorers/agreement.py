"""Does a classifier trained on real data see what the generator was asked for?

It learns from all real rows, or, where it is told so, of very many from a sample
(`features.many_images`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from pipelines.common.settings import StrictModel
from pipelines.features import image_classifier, image_descriptor, images, many_images
from pipelines.features.image_classifier import Classifier
from pipelines.scorers.classifier_scorer import ClassifierScorer
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import DataType, Given

COLUMNS: Final = {"predicted_label": pl.Int64, "confidence": pl.Float64}


class AgreementSettings(StrictModel):
    """Names of the columns with the image and its label."""

    image: str = "image"
    """Column of the images."""
    label: str = "label"
    """Column of the labels."""
    sample: bool = False
    """Whether it learns from a sample of very many real rows (beyond 2,048 of 1,024 values); all of
    them take time as the square of their number."""


class Agreement(ClassifierScorer[AgreementSettings]):
    """The label that a classifier trained on real data sees, and how sure it is."""

    name = "agreement"
    version = "agreement/2"
    needs = ("image", "label")
    libraries = ("scikit-learn", "scipy", "numpy", "pillow")
    Settings = AgreementSettings
    columns = COLUMNS

    def column_types(self, given: Given, settings: AgreementSettings) -> Mapping[str, DataType]:
        """Give the predicted label the type that labels have: a whole number, or a name."""
        return {**COLUMNS, "predicted_label": given.real.schema[settings.label]}

    def expected(self, settings: AgreementSettings) -> tuple[Expected, ...]:
        """Expect the label that was asked for, and a classifier that is as sure as usual."""
        return (
            Expected("label_agrees", "predicted_label", equals=settings.label),
            Expected("label_clear", "confidence", low=Quantile(0.01), severity="warning"),
        )

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: AgreementSettings
    ) -> pl.DataFrame:
        """Classify each candidate with a classifier trained on the real rows.

        Args:
            candidates: round, row, image.
            given: image and label of the real rows; the seed of the classifier's calibration.
            settings: names of columns.

        Returns:
            round, row, predicted_label, confidence (calibrated probability of that label).

        Raises:
            ImageError: a real image cannot be read.
            DataError: a class has too few real rows.
        """
        real_labels = given.real[settings.label]
        shape, classifier = given.once((self.name, settings), lambda: _trained(given, settings))
        pixels = images.decode_lenient(candidates[settings.image], shape)
        vectors = image_descriptor.described(pixels)
        readable = images.finite(vectors)
        labels = np.resize(classifier.classes[:1], len(vectors))
        confidence = np.full(len(vectors), np.nan)
        labels[readable], confidence[readable] = classifier.predict(vectors[readable])
        return self.scores(candidates, labels, confidence, readable, real_labels.dtype)

    def score_real(self, given: Given, settings: AgreementSettings) -> pl.DataFrame:
        """Classify each real row with a classifier that was not trained on it.

        Raises:
            ImageError: a real image cannot be read.
            DataError: a class has too few real rows.
        """
        pixels = images.to_unit(images.decode(given.real[settings.image]))
        vectors = image_descriptor.described(pixels)
        real_labels = given.real[settings.label]
        is_sampled = settings.sample and many_images.are_many(vectors)
        unseen = many_images.unseen if is_sampled else image_classifier.unseen
        labels, confidence = unseen(vectors, real_labels.to_numpy(), seed=given.seed)
        known = np.ones(len(vectors), dtype=np.bool_)
        return self.scores(given.real, labels, confidence, known, real_labels.dtype)


def _trained(given: Given, settings: AgreementSettings) -> tuple[images.Shape, Classifier]:
    """Train on the real rows; return the shape of their images beside the classifier."""
    pixels = images.to_unit(images.decode(given.real[settings.image]))
    vectors = image_descriptor.described(pixels)
    labels = given.real[settings.label].to_numpy()
    is_sampled = settings.sample and many_images.are_many(vectors)
    train = many_images.train if is_sampled else image_classifier.train
    return pixels.shape[1:], train(vectors, labels, seed=given.seed)
