"""Each class of a round beside the same class of real rows; a figure is that of the worst class.

A mean over all rows hides one class that collapsed or went missing: it is a tenth of the rows. A
class of too few rows is not measured, and no class is taken to be right because it is rare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from expectations.measures import features
from expectations.measures.manifold import coverage
from lake.visible import visible
from pipelines.common.seeds import derive_seed
from pipelines.metrics import values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.closeness import NO_CLASSES, has_classes
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.neighbours import MOST, drawn
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.values import Metric, MetricOf

EXPECTED: Final = 12
"""Accepted rows that a class must be expected to have: of fewer, chance alone may leave one."""
LEAST: Final = 20
"""Rows of a class, of each set, below which its coverage and variance are not measured."""
DRAWS: Final = 5
"""Random real subsets that make the null of a class's coverage."""
SHARE: Final = "class_share"
OF_SHAPE: Final = ("class_coverage", "class_variance")
NAMES: Final = (SHARE, *OF_SHAPE)


class Classes(AcceptedMetric):
    """The worst class of a round: its share, its coverage and its variance."""

    name = "classes"
    version = "classes/4"

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows of each class.

        Returns:
            class_share: share of the accepted rows over share of the real rows; or over that of
            equal classes, if these explain the accepted labels better (by their likelihood): a
            generator that makes as many of each is no loss.
            class_coverage: coverage of held-out rows of the class over that of as many real rows.
            class_variance: total variance over that of the real rows, with a bootstrap interval
            over the rows of both.
            Each is that of the class where it is least, and NaN where no class has enough rows. Its
            interval is that of the least, whichever class that is: its ends are the lowest of those
            of all classes. No figures where rows have no classes.
        """
        if not has_classes(request.real):
            return {}
        seed = derive_seed(request.seed, "classes")
        sets = {
            "accepted": drawn(request.of("accepted"), MOST, derive_seed(seed, "accepted")),
            "validation": drawn(request.of("validation"), MOST, derive_seed(seed, "validation")),
            "real": drawn(request.real, MOST, derive_seed(seed, "real")),
        }
        shares = list(_shares(request.of("accepted"), request.real))
        among = len(np.unique(request.real.labels))
        share = {SHARE: _least(shares, SHARE, among)}
        return share | of_shapes(sets, among, seed, request.bootstrap)

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:
        """Say that rows without classes have no figures of classes."""
        return {} if has_classes(request.real) else dict.fromkeys(NAMES, NO_CLASSES)


def of_shapes(
    sets: Mapping[str, Labelled], among: int, seed: int, resamples: int
) -> dict[str, Metric]:
    """Take the coverage and the variance of the class where each is least.

    Args:
        sets: accepted, validation and real rows.
        among: number of classes.
        seed: of the draws.
        resamples: of the bootstrap.
    """
    found = [metric for each in _shapes(sets, seed, resamples) for metric in each]
    return {name: _least(found, name, among) for name in OF_SHAPE}


def _least(found: list[tuple[str, MetricOf]], name: str, among: int) -> Metric:
    """Take the figure of the class where it is least; NaN where there is none.

    The least over all classes is below the upper end of each of them, so the lowest of these ends
    bounds it: a class of few rows, that has the least figure by chance and a wide interval, does
    not hide one of many rows that surely has too little.
    """
    ours = [metric for figure, metric in found if figure == name and np.isfinite(metric.value)]
    if not ours:
        return Metric(np.nan, np.nan, np.nan)
    least = min(ours, key=lambda metric: metric.value)
    low, high = (min(getattr(metric, end) for metric in ours) for end in ("low", "high"))
    return replace(least, low=low, high=high, measured=len(ours), among=among)


def _shares(accepted: Labelled, real: Labelled) -> Iterator[tuple[str, MetricOf]]:
    """Share of each class among the accepted rows over the share that it is expected to have."""
    labels, counts = np.unique(real.labels, return_counts=True)
    ours = np.asarray([np.count_nonzero(accepted.labels == label) for label in labels])
    as_real, equal = counts / counts.sum(), np.full(len(labels), 1 / len(labels))
    likelier = ours @ np.log(equal) > ours @ np.log(as_real)
    for label, expected in zip(labels, equal if likelier else as_real, strict=True):
        if expected * len(accepted.labels) >= EXPECTED:
            ends = values.of_share(np.asarray(accepted.labels == label))
            value, low, high = (end / expected for end in ends)
            yield SHARE, MetricOf(value, low, high, 1.0, of=visible(str(label)))


def _shapes(
    sets: Mapping[str, Labelled], seed: int, resamples: int
) -> Iterator[list[tuple[str, MetricOf]]]:
    """Coverage and variance of each class with enough rows."""
    projection = features.fit(sets["real"].content)
    points = {name: projection.project(rows.content) for name, rows in sets.items()}
    for number, label in enumerate(np.unique(sets["real"].labels)):
        ours = {name: points[name][rows.labels == label] for name, rows in sets.items()}
        if min(len(each) for each in ours.values()) >= LEAST:
            yield _shape(ours, visible(str(label)), derive_seed(seed, number), resamples)


def _shape(
    ours: Mapping[str, NDArray[np.float64]], label: str, seed: int, resamples: int
) -> list[tuple[str, MetricOf]]:
    draw, count = np.random.default_rng(seed), min(len(each) for each in ours.values())

    def some(name: str) -> NDArray[np.float64]:
        return ours[name][draw.permutation(len(ours[name]))[:count]]

    held = ours["validation"]
    covered = coverage(held, some("accepted"))
    null = float(np.mean([coverage(held, some("real")) for _ in range(DRAWS)]))
    ratio = covered / null if null > 0 else np.nan
    varied = values.of_variances(
        ours["accepted"], ours["real"], resamples, derive_seed(seed, "variance")
    )
    return [
        ("class_coverage", MetricOf(ratio, np.nan, np.nan, 1.0, of=label)),
        ("class_variance", MetricOf(*varied, 1.0, of=label)),
    ]
