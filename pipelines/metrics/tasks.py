"""Downstream tasks: what a data set is for, and by which figure a training mix is judged at it.

Where texts have no labels that could be told apart, a mix is worth what a language model trained on
it is worth: how likely it finds real texts that no generator saw (`TextLikelihood`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.features import (
    byte_model,
    image_classifier,
    knn_votes,
    many_images,
    text_classifier,
)
from pipelines.metrics import values
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.macro_f1 import MacroF1Task
from pipelines.metrics.protocol import Predict, Task
from pipelines.metrics.values import Metric

Labels = NDArray[Any]


class ImageLabelsSettings(StrictModel):
    """How many images are learned from."""

    sample: bool = False
    """Whether machines learn from a sample of very many rows (beyond 2,048 of 1,024 values); all of
    them take time as the square of their number. Every mix that is compared is sampled alike, and
    the interval of a figure is that of the validation rows, all of which are classified."""


class ImageLabels(Task[ImageLabelsSettings]):
    """Classification of images by support vector machines on pixels, or on what describes them."""

    name = "image_labels"
    version = "image_labels/3"
    Settings = ImageLabelsSettings
    figure = "accuracy"

    def train(self, rows: Labelled, settings: ImageLabelsSettings) -> Predict:
        """Train on the vectors of rows, or on their inputs where these are vectors too."""
        seen = _seen(rows)
        if settings.sample and many_images.are_many(seen):
            return _Machines(many_images.of_mix(seen, rows.labels, rows.weights))
        return _Machines(image_classifier.train(seen, rows.labels, rows.weights, calibrate=False))


@dataclass(frozen=True, slots=True)
class _Machines:
    """Machines that were trained on a mix; they predict labels, and say their margins."""

    classifier: image_classifier.Classifier

    def __call__(self, test: Labelled) -> Labels:
        return self.classifier.labels(_seen(test))

    @property
    def classes(self) -> Labels:
        """The labels that they can predict."""
        return self.classifier.classes

    def margins(self, test: Labelled) -> NDArray[np.float64]:
        """Compute how far each row is on the side of each class, [n, classes]."""
        return self.classifier.margins(_seen(test))


def _seen(rows: Labelled) -> NDArray[np.float32]:
    """Return what a classifier of images sees of rows, [n, d]."""
    seen: NDArray[np.float32] = rows.inputs if rows.inputs.ndim == 2 else rows.vectors  # noqa: PLR2004
    return seen


class NearestLabels(Task[NoSettings]):
    """Classification by the three nearest rows, without the style of rows where it is known.

    It is built in another way than the machines and linear models of the other tasks and of the
    scorers: rows of wrong labels that these pass over mislead it at once.
    """

    name = "nearest_labels"
    version = "nearest_labels/1"
    Settings = NoSettings
    figure = "accuracy"

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        """Keep the rows; a heavier one has more of a vote."""
        return lambda test: knn_votes.predict(test.content, rows.content, rows.labels, rows.weights)


class TextLabels(MacroF1Task[NoSettings]):
    """Classification of texts by a linear classifier on words."""

    name = "text_labels"
    version = "text_labels/1"
    Settings = NoSettings

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        """Train on the texts of rows."""
        classifier = text_classifier.train(rows.inputs, rows.labels, rows.weights)
        return lambda test: classifier.labels(test.inputs)


class TextLikelihood(Task[NoSettings]):
    """How likely a model of n-grams of bytes, trained on a mix, finds real texts.

    The figure is 1 over the perplexity per byte, in (0, 1]: the geometric mean of the probabilities
    of all bytes of the texts. Perplexity per byte, or its logarithm, bits per byte, does not depend
    on a tokeniser (Gao et al. 2020, The Pile, section 3.1), and more is better here, as of all
    figures of tasks.
    """

    name = "text_likelihood"
    version = "text_likelihood/1"
    Settings = NoSettings
    figure = "inverse_perplexity"
    classifies = False

    def train(self, rows: Labelled, settings: NoSettings) -> Predict:  # noqa: ARG002  it has none
        """Train on the texts of rows; the model says ln p and bytes of each text, [n, 2]."""
        model = byte_model.train(list(map(str, rows.inputs)), rows.weights)
        return lambda test: model.log_likelihoods(list(map(str, test.inputs)))

    def score(self, answers: Answers, resamples: int, seed: int) -> Metric:
        """Compute the figure, with its interval over texts."""
        said = answers.said

        def figure(rows: NDArray[np.int64]) -> float:
            return _inverse_perplexity(said[rows])

        return Metric(*values.of_rows(figure, len(said), resamples, seed))

    def gain(self, answers: Answers, over: Answers, resamples: int, seed: int) -> Metric:
        """Compute the paired difference of the figure, with its interval over texts."""
        ours, theirs, count = answers.said, over.said, len(answers.said)

        def gain(rows: NDArray[np.int64]) -> float:
            return _inverse_perplexity(ours[rows]) - _inverse_perplexity(theirs[rows])

        draw = np.random.default_rng(seed)
        resampled = [gain(draw.integers(count, size=count)) for _ in range(resamples)]
        return Metric(gain(np.arange(count)), *values.interval(np.asarray(resampled)))


def _inverse_perplexity(said: Labels) -> float:
    """Compute the geometric mean of the probabilities of the bytes of texts, [n, 2]."""
    return float(np.exp(said[:, 0].sum() / said[:, 1].sum()))


def weights(frame: pl.DataFrame) -> NDArray[np.float64] | None:
    """Return the weights of a mix's rows, [n]; None if all are equal."""
    weighted = "weight" in frame.columns and frame["weight"].n_unique() > 1
    return frame["weight"].to_numpy() if weighted else None
