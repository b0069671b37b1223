"""Downstream tasks: what a data set is for, and by which figure a training mix is judged at it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.plugins import NoSettings
from pipelines.features import image_classifier, text_classifier
from pipelines.metrics import downstream
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.protocol import Predict, Task
from pipelines.metrics.values import Metric

Labels = NDArray[Any]


class ImageLabels(Task[NoSettings]):
    """Classification of images by support vector machines on pixels."""

    name = "image_labels"
    version = "image_labels/1"
    Settings = NoSettings
    figure = "accuracy"

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        """Train on the vectors of rows."""
        classifier = image_classifier.train(
            rows.vectors, rows.labels, rows.weights, calibrate=False
        )

        def predict(test: Labelled) -> Labels:
            return classifier.labels(test.vectors)

        return predict


class TextLabels(Task[NoSettings]):
    """Classification of texts by a linear classifier on words."""

    name = "text_labels"
    version = "text_labels/1"
    Settings = NoSettings
    figure = "macro_f1"

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        """Train on the texts of rows."""
        classifier = text_classifier.train(rows.inputs, rows.labels, rows.weights)

        def predict(test: Labelled) -> Labels:
            return classifier.labels(test.inputs)

        return predict

    def score(self, answers: Answers, resamples: int, seed: int) -> Metric:
        """Compute F1 of each class, averaged over the classes."""
        return downstream.macro_f1(answers, resamples, seed)

    def gain(self, answers: Answers, over: Answers, resamples: int, seed: int) -> Metric:
        """Compute the paired difference of macro-F1."""
        return downstream.macro_f1_gain(answers, over, resamples, seed)


def weights(frame: pl.DataFrame) -> NDArray[np.float64] | None:
    """Return the weights of a mix's rows, [n]; None if all are equal."""
    weighted = "weight" in frame.columns and frame["weight"].n_unique() > 1
    return frame["weight"].to_numpy() if weighted else None
