"""Downstream tasks: what a data set is for, and by which figure a training mix is judged at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features import image_classifier, text_classifier
from pipelines.metrics import variety
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.values import Metric

Labels = NDArray[Any]
Variety = Callable[[Labelled, Labelled, int, int], Mapping[str, Metric]]
"""Figures of n rows beside those of random real ones: rows, real rows, draws, seed."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task that models learn from a training mix."""

    figure: Literal["accuracy", "macro_f1"]
    """What judges a mix."""
    learn: Callable[[Labelled], Callable[[Labelled], Labels]]
    """Trains on labelled rows; what it returns predicts the labels of others, [n]."""
    variety: Variety | None = None
    """Figures of the diversity within a round that suit the inputs."""


def weights(frame: pl.DataFrame) -> NDArray[np.float64] | None:
    """The weights of a mix's rows, [n]; None where all count the same."""
    weighted = "weight" in frame.columns and frame["weight"].n_unique() > 1
    return frame["weight"].to_numpy() if weighted else None


def _images(rows: Labelled) -> Callable[[Labelled], Labels]:
    found = image_classifier.train(rows.vectors, rows.labels, rows.weights, calibrate=False)
    return lambda test: found.labels(test.vectors)


def _texts(rows: Labelled) -> Callable[[Labelled], Labels]:
    found = text_classifier.train(rows.inputs, rows.labels, rows.weights)
    return lambda test: found.labels(test.inputs)


IMAGES: Final = Task("accuracy", _images)
TEXTS: Final = Task("macro_f1", _texts, variety.of_texts)
