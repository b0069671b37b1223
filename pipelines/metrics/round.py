"""All figures of a round: its samples, the mix that the next generator would learn, its worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from expectations.measures import features
from pipelines.errors import DataError
from pipelines.metrics import downstream, shape
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.values import Metric, finite
from pipelines.seeds import derive_seed

MIN_ROWS: Final = 2
"""Fewer rows have no variance."""


class Settings(Protocol):
    """How carefully to measure."""

    @property
    def null_draws(self) -> int:
        """Random real subsets that make the null."""

    @property
    def bootstrap(self) -> int:
        """Resamples for an interval."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a round."""

    n: int
    """Rows of each set that the shape figures use."""
    features: str
    """Digest of the fixed features."""
    round: Mapping[str, Metric]
    """Shape of the round's accepted samples, by figure."""
    mix: Mapping[str, Metric]
    """Shape of the next training mix, by figure."""
    accuracy: Mapping[str, Metric]
    """Of classifiers trained on real_only, mix and previous (the mix before this round)."""
    difference: Mapping[str, Metric]
    """Accuracy of the mix minus that of real_only and of previous, paired."""
    recall_per_class: Mapping[str, Mapping[int, float]]
    """Of the classifiers trained on real_only and mix, on validation rows."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; `summary` has the values alone, flat, for tables and plots."""
        return {
            "n": self.n,
            "features": self.features,
            "round": _plain(self.round),
            "mix": _plain(self.mix),
            "accuracy": _plain(self.accuracy),
            "difference": _plain(self.difference),
            "recall_per_class": {
                name: {str(label): finite(value) for label, value in each.items()}
                for name, each in self.recall_per_class.items()
            },
            "summary": self.summary(),
        }

    def summary(self) -> dict[str, float | None]:
        """Values by flat name, such as recall_round, recall_mix, recall_null, accuracy_mix."""
        found: dict[str, float] = {}
        for name, metric in self.round.items():
            found[f"{name}_round"] = metric.value
            found[f"{name}_mix"] = self.mix[name].value
            found[f"{name}_null"] = metric.null
        found |= {f"accuracy_{name}": metric.value for name, metric in self.accuracy.items()}
        found |= {f"difference_{name}": metric.value for name, metric in self.difference.items()}
        return {name: finite(value) for name, value in found.items()}


def evaluate_round(
    *,
    real: Labelled,
    validation: Labelled,
    accepted: Labelled,
    mix: Labelled,
    previous: Labelled,
    settings: Settings,
    seed: int,
) -> Evaluation:
    """Measure a round.

    Args:
        real: real training rows; features and null come from them.
        validation: real rows that no generator saw.
        accepted: the round's accepted samples.
        mix: what the next generator would learn from.
        previous: what this round's generator learned from.
        settings: null_draws and bootstrap.
        seed: of subsets and resamples.

    Raises:
        DataError: a set is too small to measure.
    """
    named = {"real": real, "validation": validation, "accepted": accepted, "mix": mix}
    _check_sizes(named)
    n = min(len(each.labels) for each in named.values())
    shapes, digest = _shapes(named, n, settings, seed)
    trained = {"real_only": real, "mix": mix, "previous": previous}
    right = {name: downstream.hits(each, validation) for name, each in trained.items()}
    return Evaluation(
        n=n,
        features=digest,
        round=shapes["accepted"],
        mix=shapes["mix"],
        accuracy={
            name: downstream.accuracy(each, settings.bootstrap, derive_seed(seed, "accuracy", name))
            for name, each in right.items()
        },
        difference={
            name: downstream.difference(
                right["mix"],
                right[name],
                settings.bootstrap,
                derive_seed(seed, "difference", name),
            )
            for name in ("real_only", "previous")
        },
        recall_per_class={
            name: downstream.recall_per_class(right[name], validation.labels)
            for name in ("real_only", "mix")
        },
    )


def _check_sizes(named: Mapping[str, Labelled]) -> None:
    for name, each in named.items():
        if len(each.labels) < MIN_ROWS:
            raise DataError(
                f"{name} has {len(each.labels)} rows; measuring needs {MIN_ROWS} or more"
            )


def _shapes(
    named: Mapping[str, Labelled], n: int, settings: Settings, seed: int
) -> tuple[dict[str, Mapping[str, Metric]], str]:
    """Shape figures of the accepted samples and of the mix, and the digest of the features."""
    real = named["real"]
    yardstick = shape.Yardstick(
        real.vectors,
        _draw(named["validation"], n, derive_seed(seed, "validation")),
        features.fit(real.vectors),
        n,
    )
    null = shape.null(yardstick, settings.null_draws, derive_seed(seed, "null"))
    found: dict[str, Mapping[str, Metric]] = {}
    for name in ("accepted", "mix"):
        rows = _draw(named[name], n, derive_seed(seed, name))
        again = derive_seed(seed, name, "bootstrap")
        found[name] = shape.measure(yardstick, rows, null, settings.bootstrap, again)
    return found, yardstick.features.digest


def _draw(rows: Labelled, n: int, seed: int) -> shape.Vectors:
    """Draw n rows without replacement, by their weights."""
    chances = None if rows.weights is None else rows.weights / rows.weights.sum()
    if chances is not None and np.count_nonzero(chances) < n:
        chances = None
    chosen = np.random.default_rng(seed).choice(len(rows.labels), n, replace=False, p=chances)
    return rows.vectors[np.sort(chosen)]


def _plain(metrics: Mapping[str, Metric]) -> dict[str, dict[str, float | None]]:
    return {name: metric.to_dict() for name, metric in metrics.items()}
