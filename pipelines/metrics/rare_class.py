"""How rare the rarest class of the next mix is, and how long it would last under replacement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np

from lineage import drift
from pipelines.common.seeds import derive_seed
from pipelines.metrics import values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.protocol import NEXT_MIX, MetricRequest
from pipelines.metrics.values import Metric, MetricOf

NAMES: Final = ("rare_class_share", "rare_class_tenth", "rare_class_median", "rare_class_mean")
NO_CLASSES: Final = "the real rows have no labels, or a single one"


class RareClass(AcceptedMetric):
    """Rounds until lines of replacement would lose the rarest class: a distribution."""

    name = "rare_class"
    version = "rare_class/1"
    reads: ClassVar[tuple[str, ...]] = (NEXT_MIX,)

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Look ahead from the labels of the whole next mix, of n rows.

        Returns:
            rare_class_share: share of the rarest class of the real rows in the mix, with Wilson's
            interval; the null is its share of the real rows.
            rare_class_tenth, rare_class_median: rounds within which one line in ten, and half of
            the lines, would lose it if each round drew its labels at random from the one before,
            over 2,000 lines; NaN where fewer do within the rounds that are followed.
            rare_class_mean: mean rounds until it is lost, given that it is lost (Kimura and Ohta
            1969, eq. 16).
            NaN where the mix is not at hand; and 0 rounds of a class that it does not have.
        """
        mix = request.whole.get(NEXT_MIX)
        labels = np.unique(request.real.labels)
        if mix is None or len(labels) < 2:  # noqa: PLR2004  a class beside others
            return dict.fromkeys(NAMES, Metric(np.nan, np.nan, np.nan))
        in_mix = np.asarray([(mix.labels == label).sum() for label in labels])
        rarest = int(in_mix.argmin())
        hits, real = mix.labels == labels[rarest], request.real.labels == labels[rarest]
        share = MetricOf(
            *values.of_share(hits),
            *values.of_share(real),
            of=str(labels[rarest]),
            measured=len(labels),
            among=len(labels),
        )
        seed = derive_seed(request.seed, "rare class")
        tenth, median, mean = forecast(share.value, len(mix.labels), seed)
        rounds = (tenth, median, mean)
        named = zip(NAMES[1:], rounds, strict=True)
        return {NAMES[0]: share} | {name: Metric(each, each, each) for name, each in named}

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:
        """Say that rows without classes lose none."""
        has_classes = len(np.unique(request.real.labels)) > 1
        return {} if has_classes else dict.fromkeys(NAMES, NO_CLASSES)


def forecast(share: float, rows: int, seed: int) -> tuple[float, float, float]:
    """Rounds until one line in ten, half of the lines, and the mean line lose a class.

    Args:
        share: of the class in the last mix, q.
        rows: of each mix to come, n.
        seed: of the lines that are drawn.

    Returns:
        NaN where it is not within the rounds that are followed, or the class is all there is.
    """
    mean = 0.0 if share == 0 else drift.mean_loss_time(share, rows)
    times = drift.loss_times(share, rows, np.random.default_rng(seed), latest=drift.FOLLOWED)
    found = (drift.quantile(times, each) for each in (0.1, 0.5))
    tenth, median = (math.nan if each is None else float(each) for each in found)
    return tenth, median, math.nan if mean is None else mean
