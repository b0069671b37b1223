"""What the nearest real texts say of a round of texts: wrong labels, copies, and leaks.

Texts are compared by the pieces of words that they share (`features.text_likeness`), so a copy with
other case or punctuation, or with some words dropped or replaced, is near to its original. A copy
in other words is not; the scorer `text_meaning` finds such.
"""

from __future__ import annotations

from typing import Final

from pipelines.features import text_likeness
from pipelines.metrics import closeness
from pipelines.metrics.closeness import Likeness, NearestReal
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest

CELLS: Final = 1 << 36
"""Characters of training texts with which texts are compared: 2,048 texts with 33 million. Beside
more characters fewer texts are drawn, but `FEWEST`."""
MEMORISED: Final = 0.55
"""Ratio of the distances to the nearest and second nearest training text, below which a text is a
copy of the nearest. The hold-out of dialogues has it in 1 to 5 of 100 texts."""
CLOSER: Final = 0.55
"""Ratio of the distances to hold-out and training texts, below which a text is from the former."""


class TextNeighbours(NearestReal):
    """Labels, copies and leaks of a round of texts by its nearest real texts."""

    name = "text_neighbours"
    version = "text_neighbours/2"

    def likeness(self, request: MetricRequest) -> Likeness[text_likeness.Points]:
        """Compare texts by the runs of characters that they share."""
        characters = sum(len(str(text)) for text in request.real.inputs)
        most = closeness.affordable(CELLS, characters)
        return Likeness(_points, text_likeness.nearest, MEMORISED, (CLOSER,), most)


def _points(rows: Labelled) -> text_likeness.Points:
    return text_likeness.points(rows.inputs)
