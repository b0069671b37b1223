"""What the nearest real texts say of a round of texts: wrong labels, copies, and leaks.

Texts are compared by the pieces of words that they share (`features.text_likeness`), so a copy with
other case or punctuation, or with some words dropped or replaced, is near to its original. A copy
in other words is not; the scorer `text_meaning` finds such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.features import text_likeness
from pipelines.metrics import closeness
from pipelines.metrics.closeness import Likeness
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest, RoundMetric
from pipelines.metrics.values import Metric

MOST: Final = 2048
"""Texts of a set that are compared; of a larger one as many are drawn."""
FEWEST: Final = 100
CELLS: Final = 1 << 36
"""Characters of training texts with which texts are compared: 2,048 texts with 33 million. Beside
more characters fewer texts are drawn, but `FEWEST`."""
MEMORISED: Final = 0.55
"""Ratio of the distances to the nearest and second nearest training text, below which a text is a
copy of the nearest. The hold-out of dialogues has it in 1 to 5 of 100 texts."""
CLOSER: Final = 0.55
"""Ratio of the distances to hold-out and training texts, below which a text is from the former."""


class TextNeighbours(RoundMetric[NoSettings]):
    """Labels, copies and leaks of a round of texts by its nearest real texts."""

    name = "text_neighbours"
    version = "text_neighbours/1"
    Settings = NoSettings
    sets = ("accepted",)

    def measure(
        self,
        request: MetricRequest,
        settings: NoSettings,  # noqa: ARG002  it has none
    ) -> Mapping[str, Mapping[str, Metric]]:
        """Measure the accepted texts; figures are NaN where there are too few texts.

        Returns:
            label_errors, memorised_ratio, holdout_leaning, holdout_closer, as the metric
            `neighbours` has them; label_errors only where texts have classes.
        """
        compared = Likeness(_points, text_likeness.nearest, MEMORISED, CLOSER)
        characters = sum(len(str(text)) for text in request.real.inputs)
        most = max(FEWEST, min(MOST, CELLS // max(1, characters)))
        seed = derive_seed(request.seed, "text_neighbours")
        return {"accepted": closeness.of_round(request, compared, most, seed)}

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:
        """Say that texts without classes have no errors of labels."""
        return closeness.not_applicable(request)


def _points(rows: Labelled) -> text_likeness.Points:
    return text_likeness.points(rows.inputs)
