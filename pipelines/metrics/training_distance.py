"""How near the accepted rows are to what their own generator was trained on.

A model that turns to memorising gives rows ever nearer to its own training mix, real or not, and
the distance to real rows alone does not show it (Shi et al. 2025, arXiv:2509.16499).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.seeds import derive_seed
from pipelines.features import knn
from pipelines.metrics import values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.neighbours import LEAST, MOST, UNKNOWN, drawn
from pipelines.metrics.protocol import TRAINED_ON, MetricRequest
from pipelines.metrics.values import Metric

NAME: Final = "training_distance"


class TrainingDistance(AcceptedMetric):
    """Mean distance of the accepted rows to the nearest row of the mix of their generator."""

    name = NAME
    version = "training_distance/1"
    reads: ClassVar[tuple[str, ...]] = (TRAINED_ON,)

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows beside held-out real rows, which no generator saw.

        Returns:
            training_distance: mean Euclidean distance to the nearest row of the training mix,
            without style where the modality knows it, over that of held-out rows; its interval is
            by the bootstrap of both. 1 is as far as real rows, 0 is a copy. The null is 1. NaN with
            under 20 rows of a set, and where held-out rows have no distance.
        """
        mix = request.whole.get(TRAINED_ON)
        seed = derive_seed(request.seed, NAME)
        accepted, held = (
            drawn(request.of(name), MOST, derive_seed(seed, name))
            for name in ("accepted", "validation")
        )
        if mix is None or min(len(each.labels) for each in (accepted, held, mix)) < LEAST:
            return {NAME: UNKNOWN}
        ours, theirs = (
            knn.nearest(rows.content, mix.content, 1)[0][:, 0] for rows in (accepted, held)
        )
        return {NAME: of_distances(ours, theirs, request.bootstrap, derive_seed(seed, "bootstrap"))}


def of_distances(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], resamples: int, seed: int
) -> Metric:
    """Compute the ratio of two mean distances, with the bootstrap interval of it and of its null.

    Args:
        ours: of accepted rows, [n].
        theirs: of held-out rows, [m].
        resamples: how often the rows of both are drawn again.
        seed: of the draws.
    """
    below = float(theirs.mean())
    if below <= 0:
        return UNKNOWN
    draw = np.random.default_rng(seed)
    above, under = (
        each[draw.integers(len(each), size=(resamples, len(each)))].mean(axis=1)
        for each in (ours, theirs)
    )
    held = np.maximum(under, np.finfo(np.float64).tiny)
    by_chance = theirs[draw.integers(len(theirs), size=(resamples, len(ours)))].mean(axis=1) / held
    value = float(ours.mean()) / below
    return Metric(value, *values.interval(above / held), 1.0, *values.interval(by_chance))
