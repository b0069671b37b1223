"""Harm that the guard has no part in: two families of models, on real rows that nothing else sees.

A network on smoothed differences of pixels, and a random forest on pixels. Neither stands behind a
score of the suite or a figure of the guard. Each is trained several times, and answers as the votes
of all say, so that a difference is one of the data and less of the start.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.crafted.world import SIDE, Labels, Pixels, Rows
from pipelines.common.seeds import derive_seed
from pipelines.metrics import values

TIMES: Final = 2
TREES: Final = 60
HIDDEN: Final = 64
EPOCHS: Final = 80
RESAMPLES: Final = 1000
Train = Callable[[Rows, int], Callable[[Pixels], Labels]]


@dataclass(frozen=True, slots=True)
class Lost:
    """Accuracy and recall of the worst class that a model lost, with 95 % intervals."""

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    recall: float
    recall_low: float
    """Lower end of the loss of recall of the class that lost most."""


def measured(
    alone: Mapping[str, NDArray[np.float64]], mix: Rows, test: Rows, seed: int
) -> dict[str, Lost]:
    """Measure what training on a mix costs, by family.

    Args:
        alone: `hits` of models of real data alone.
        mix: the training mix.
        test: the test rows.
        seed: of the models and the bootstrap.
    """
    right = hits(mix, test, seed)
    return {name: lost_between(alone[name], right[name], test.labels, seed) for name in FAMILIES}


def hits(train: Rows, test: Rows, seed: int) -> dict[str, NDArray[np.float64]]:
    """How often models of each family get each test row right, [n] in [0, 1]."""
    return {
        name: np.mean(
            [
                fit(train, derive_seed(seed, name, number) % (1 << 31))(test.pixels) == test.labels
                for number in range(TIMES)
            ],
            axis=0,
        )
        for name, fit in FAMILIES.items()
    }


def lost_between(alone: NDArray[Any], right: NDArray[Any], labels: NDArray[Any], seed: int) -> Lost:
    """Compare how often each test row is got right, [n], by two models."""
    apart = np.asarray(alone - right, dtype=np.float64)
    accuracy = values.of_means(apart, RESAMPLES, seed)
    classes = [
        values.of_means(apart[labels == label], RESAMPLES, seed) for label in np.unique(labels)
    ]
    worst = max(classes, key=lambda ends: ends[0])
    return Lost(*accuracy, worst[0], worst[1])


def network(points: NDArray[Any], labels: NDArray[Any], seed: int) -> Any:  # noqa: ANN401
    """Train a network of one hidden layer; what has a method `predict`."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415  slow to import
    from sklearn.neural_network import MLPClassifier  # noqa: PLC0415

    model = MLPClassifier((HIDDEN,), max_iter=EPOCHS, alpha=1e-3, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after a fixed time
        model.fit(points, labels)
    return model


def _network(rows: Rows, seed: int) -> Callable[[Pixels], Labels]:
    model = network(_edges(rows.pixels), rows.labels, seed)

    def predict(pixels: Pixels) -> Labels:
        found: Labels = model.predict(_edges(pixels))
        return found

    return predict


def _edges(pixels: Pixels) -> NDArray[np.float64]:
    """Differences of neighbouring pixels in both directions, [n, 112]."""
    return edges(pixels.reshape(-1, SIDE, SIDE))


def edges(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Differences of neighbouring pixels in both directions, of [n, h, w] or [n, h, w, 3]."""
    doubles = images.astype(np.float64)
    parts = (np.diff(doubles, axis=1), np.diff(doubles, axis=2))
    return np.concatenate([part.reshape(len(images), -1) for part in parts], axis=1)


def _forest(rows: Rows, seed: int) -> Callable[[Pixels], Labels]:
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415  slow to import

    model = RandomForestClassifier(TREES, random_state=seed, n_jobs=1).fit(rows.pixels, rows.labels)

    def predict(pixels: Pixels) -> Labels:
        found: Labels = model.predict(pixels)
        return found

    return predict


FAMILIES: Final[Mapping[str, Train]] = {"network": _network, "forest": _forest}
