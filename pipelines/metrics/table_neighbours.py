"""What the nearest real rows say of a round of a table: wrong labels, copies, and leaks.

Rows are compared without the one value in which they differ most (`features.tables.likeness`), so a
copy of which one value was changed is as near as one that was not. A copy of which every number was
moved is farther than the next real row in tables of few columns, and is no copy any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.features.tables import likeness
from pipelines.metrics import closeness
from pipelines.metrics.closeness import Likeness
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest, RoundMetric
from pipelines.metrics.values import Metric

MOST: Final = 2048
"""Rows of a set that are compared; of a larger one as many are drawn."""
FEWEST: Final = 100
CELLS: Final = 1 << 31
"""Differences of values by which rows are compared with training rows. Beside more training rows
fewer are drawn, but `FEWEST`."""
MEMORISED: Final = 0.25
"""Ratio of the distances to the nearest and second nearest training row, below which a row is a
copy of the nearest. Rows between two rows, at least a quarter of the way, are farther."""
CLOSER: Final = 0.5
"""Ratio of the distances to hold-out and training rows, below which a row is from the former."""


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
        scale = likeness.Scale.of(request.real.inputs)

        def points(rows: Labelled) -> likeness.Points:
            return scale.points(rows.inputs)

        real = points(request.real)
        most = max(FEWEST, min(MOST, CELLS // max(1, len(real) * real.columns)))
        compared = Likeness(points, likeness.nearest, MEMORISED, CLOSER)
        seed = derive_seed(request.seed, "table_neighbours")
        return {"accepted": closeness.of_round(request, compared, most, seed)}

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:
        """Say that rows without classes have no errors of labels."""
        return closeness.not_applicable(request)
