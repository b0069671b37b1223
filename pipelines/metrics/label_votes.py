"""How many labels the nearest training rows contradict, beside as many real rows of each class.

Real rows of a rare class lie among those of frequent ones, so their labels are contradicted more
often. A generator that makes as many rows of each class is right to have more of them, so held-out
rows count by the classes of the accepted ones (direct standardisation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.metrics import values
from pipelines.metrics.values import Metric

Labels = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """Labels of rows, [n], and what their nearest training rows vote, [n]."""

    given: Labels
    voted: Labels

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Whether the vote is another label, [n]."""
        return np.asarray(self.given != self.voted)

    def at(self, rows: NDArray[np.bool_]) -> Votes:
        """Select rows."""
        return Votes(self.given[rows], self.voted[rows])


def errors(accepted: Votes, held: Votes, known: Labels) -> Metric:
    """Share of accepted rows whose vote is another label, beside that of held-out rows.

    Args:
        accepted: of accepted rows; those of a class that no held-out row has are left out.
        held: of held-out rows, each of which weighs as many accepted rows as its class has of them.
        known: labels of the training rows; a label that none of them has is wrong.

    Returns:
        The share and its null; NaN where held-out rows have none of the classes.
    """
    alone = ~np.isin(accepted.given, held.given) & np.isin(accepted.given, known)
    ours = accepted.at(~alone)
    if not len(ours.given):
        return Metric(np.nan, np.nan, np.nan)
    weights = _weights(ours.given, held.given)
    null = values.of_weighted_share(held.wrong, weights if weights.any() else np.ones(len(weights)))
    return Metric(*values.of_share(ours.wrong), *null)


def _weights(ours: Labels, held: Labels) -> NDArray[np.float64]:
    """How many of our rows each held-out row stands for, [n]."""
    classes, place, counts = np.unique(held, return_inverse=True, return_counts=True)
    wanted = np.asarray([np.count_nonzero(ours == label) for label in classes], dtype=np.float64)
    weights: NDArray[np.float64] = (wanted / counts)[place]
    return weights
