"""Can a classifier tell candidates from real rows? The classifier two-sample test.

Lopez-Paz & Oquab 2017: half of both kinds teaches a classifier, its accuracy on the other half is
the statistic. If both kinds follow one distribution, the accuracy over the n held-out rows is
approximately N(1/2, 1/(4n)), whatever the classifier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from expectations.errors import CannotJudge
from expectations.measures.points import Points

VERSION: Final = "twosample/1"
"""Raised when the figures change for equal input."""

MIN_ROWS: Final = 50
"""Least number of rows of each kind; the normal approximation of the null needs as many."""
TREES: Final = 100

Kind = Literal["forest", "neighbours", "logistic"]


@dataclass(frozen=True, slots=True)
class TwoSample:
    """Held-out accuracy of a classifier that tells candidates from real rows."""

    accuracy: float
    rows: int
    """Number of held-out rows, half of them real."""

    @property
    def p_value(self) -> float:
        """Upper p-value 1 − Φ((a − ½)·2√n) of the accuracy a (Lopez-Paz & Oquab 2017)."""
        score = (self.accuracy - 0.5) * 2 * math.sqrt(self.rows)
        return 0.5 * math.erfc(score / math.sqrt(2))


def two_sample(
    candidates: Points, real: Points, classifier: Kind, *, max_rows: int, seed: int
) -> TwoSample:
    """Train a classifier on one half, and measure its accuracy on the other half.

    Args:
        candidates: [n, d].
        real: [m, d].
        classifier: of classifier: a random forest, 5 nearest neighbours or logistic regression.
        max_rows: of either kind; of both as many are used, drawn at random.
        seed: of what is drawn, of the halves and of the forest.

    Raises:
        CannotJudge: there are too few rows.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  slow to import

    count = min(len(candidates), len(real), max_rows)
    if count < MIN_ROWS:
        raise CannotJudge(
            f"{len(candidates)} candidates and {len(real)} real rows with a value are too few: "
            f"{MIN_ROWS} of each are needed"
        )
    draw = np.random.default_rng(seed)
    rows = np.concatenate(
        [points[draw.permutation(len(points))[:count]] for points in (candidates, real)]
    )
    labels = np.repeat([1, 0], count)
    state = int(draw.integers(2**31))
    learn, held, learn_labels, held_labels = train_test_split(
        rows, labels, test_size=0.5, stratify=labels, random_state=state
    )
    predicted: NDArray[np.int64] = (
        _classifier(classifier, state).fit(learn, learn_labels).predict(held)
    )
    return TwoSample(float((predicted == held_labels).mean()), len(held_labels))


def _classifier(name: Kind, state: int) -> Any:  # noqa: ANN401  scikit-learn is not typed
    if name == "forest":
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415  slow to import

        return RandomForestClassifier(TREES, random_state=state)
    if name == "neighbours":
        from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415  slow to import

        return KNeighborsClassifier(5)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  slow to import

    return LogisticRegression(max_iter=1000)
