"""What the nearest real rows say of a round of a table: wrong labels, copies, and leaks.

Rows are compared without the one value in which they differ most (`features.tables.likeness`), so a
copy of which one value was changed is as near as one that was not. A copy of which every number was
moved is farther than the next real row in tables of few columns, and is no copy any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.features import knn_votes
from pipelines.features.tables import likeness
from pipelines.features.tables.likeness import Points
from pipelines.metrics import closeness
from pipelines.metrics.closeness import REGIONS, UNKNOWN, has_classes
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.neighbours import LEAST, drawn
from pipelines.metrics.protocol import MetricRequest, RoundMetric
from pipelines.metrics.values import Metric

MOST: Final = 2048
"""Rows of a set that are compared; of a larger one as many are drawn."""
MEMORISED: Final = 0.25
"""Ratio of the distances to the nearest and second nearest training row, below which a row is a
copy of the nearest. Rows between two rows, at least a quarter of the way, are farther."""
CLOSER: Final = 0.5
"""Ratio of the distances to hold-out and training rows, below which a row is from the former."""
COPIES: Final = ("memorised_ratio", "holdout_leaning", "holdout_closer")


class TableNeighbours(RoundMetric[NoSettings]):
    """Labels, copies and leaks of a round of a table by its nearest real rows."""

    name = "table_neighbours"
    version = "table_neighbours/1"
    Settings = NoSettings
    sets = ("accepted",)

    def measure(
        self,
        request: MetricRequest,
        settings: NoSettings,  # noqa: ARG002  it has none
    ) -> Mapping[str, Mapping[str, Metric]]:
        """Measure the accepted rows; figures are NaN where there are too few rows.

        Returns:
            label_errors, memorised_ratio, holdout_leaning, holdout_closer, as the metric
            `neighbours` has them; label_errors only where rows have classes.
        """
        seed, real = derive_seed(request.seed, "table_neighbours"), request.real
        names = (*(("label_errors",) if has_classes(real) else ()), *COPIES)
        some = {
            name: drawn(rows, MOST, derive_seed(seed, name))
            for name, rows in (
                ("accepted", request.of("accepted")),
                ("validation", request.of("validation")),
                ("real", real),
            )
        }
        if min(len(each.labels) for each in some.values()) < LEAST:
            return {"accepted": dict.fromkeys(names, UNKNOWN)}
        scale = likeness.Scale.of(real.inputs)
        points = {name: scale.points(each.inputs) for name, each in some.items()}
        found = _of_training(some, points) | _of_holdout(points, seed)
        return {"accepted": {name: found[name] for name in names}}

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:
        """Say that rows without classes have no errors of labels."""
        return {} if has_classes(request.real) else {"label_errors": closeness.NO_CLASSES}


def _of_training(some: Mapping[str, Labelled], points: Mapping[str, Points]) -> dict[str, Metric]:
    """Label errors and copies, by the nearest training rows."""
    (ours, near), (held, near_held) = (
        likeness.nearest(points[name], points["real"], knn_votes.NEIGHBOURS)
        for name in ("accepted", "validation")
    )
    wrong = closeness.label_errors(
        (near, some["accepted"].labels),
        (near_held, some["validation"].labels),
        some["real"].labels,
    )
    return {"label_errors": wrong, "memorised_ratio": closeness.memorised(ours, held, MEMORISED)}


def _of_holdout(points: Mapping[str, Points], seed: int) -> dict[str, Metric]:
    """Leaks, by the nearest rows of hold-out and training data, as many of either."""
    rows, held, real = (points[name] for name in ("accepted", "validation", "real"))
    count, draw = min(len(held), len(real)), np.random.default_rng(derive_seed(seed, "sides"))
    sides = [each.at(np.sort(draw.permutation(len(each))[:count])) for each in (held, real)]
    (to_held, at_held), (to_real, at_real) = (
        (distances[:, 0], at[:, 0])
        for distances, at in (likeness.nearest(rows, side, 1) for side in sides)
    )
    landmarks = real.at(np.sort(draw.permutation(len(real))[:REGIONS]))
    regions = likeness.nearest(rows, landmarks, 1)[1][:, 0]
    return closeness.leaks((to_held, at_held), (to_real, at_real), regions, CLOSER)
