"""What the nearest real rows say of a round of a table: wrong labels, copies, and leaks.

For copies and leaks rows are compared without the one value in which they differ most
(`features.tables.likeness`), so a copy of which one value was changed is as near as one that was
not. A copy of which every number was moved is farther than the next real row in tables of few
columns, and is no copy any more. For labels each column weighs by what it tells of the label
(`features.tables.relevance`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipelines.features.tables import likeness, relevance
from pipelines.metrics import closeness
from pipelines.metrics.closeness import Labels, Likeness, NearestReal
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest

CELLS: Final = 1 << 31
"""Differences of values by which rows are compared with training rows. Beside more training rows
fewer are drawn, but `FEWEST`."""
MEMORISED: Final = 0.25
"""Ratio of the distances to the nearest and second nearest training row, below which a row is a
copy of the nearest. Rows between two rows, at least a quarter of the way, are farther."""
CLOSER: Final = (0.5, 0.1)
"""Ratios of the distances to hold-out and training rows, below which a row is from the former. In a
dense table 15 of 100 rows are below the first by chance, and one below the second, under which only
copies are that differ in one value and little else."""


class TableNeighbours(NearestReal):
    """Labels, copies and leaks of a round of a table by its nearest real rows."""

    name = "table_neighbours"
    version = "table_neighbours/3"

    def likeness(self, request: MetricRequest) -> Likeness[likeness.Points]:
        """Compare rows value by value, on the scale of the real rows."""
        scale = likeness.Scale.of(request.real.inputs)
        most = closeness.affordable(CELLS, len(request.real.labels) * scale.columns)

        def points(rows: Labelled) -> likeness.Points:
            return scale.points(rows.inputs)

        return Likeness(points, likeness.nearest, MEMORISED, CLOSER, most, _by_label)


def _by_label(
    real: likeness.Points, labels: Labels
) -> Callable[[likeness.Points, int], closeness.Places]:
    """Find the nearest training rows in the columns that tell labels."""
    weight = relevance.weights(real, labels)

    def find(rows: likeness.Points, k: int) -> closeness.Places:
        return relevance.nearest(rows, real, weight, k)

    return find
