"""How alike texts are by the pieces of words that they share, whatever was changed in some words.

Runs of three to five characters within words are counted, without case and accents; the distance of
two texts is that of their directions (2 − 2·cosine, its root): 0 to √2. Nothing is fitted, so real
rows that train lie no nearer than others. A text with a fifth of its words dropped or replaced is
far nearer to its original than to any other; one in other words is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RUNS: Final = (3, 5)
"""Shortest and longest run of characters."""
NUMBERS: Final = 1 << 18
"""Counts of a text, by the hash of a run."""
BLOCK: Final = 1 << 23
"""Distances that are held in memory at once."""

Texts = NDArray[Any]
Distances = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Texts as sparse counts of length 1, [n, NUMBERS]."""

    counts: Any
    """A scipy matrix in rows."""

    def at(self, rows: NDArray[np.int64]) -> Points:
        """Select texts."""
        return Points(self.counts[rows])

    def __len__(self) -> int:
        """Number of texts."""
        return int(self.counts.shape[0])


def points(texts: Texts) -> Points:
    """Count the runs of characters of texts, [n]."""
    from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415  slow to import

    vectorizer = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=RUNS,
        n_features=NUMBERS,
        strip_accents="unicode",
        alternate_sign=False,
    )
    return Points(vectorizer.transform([str(text) for text in texts]).tocsr())


def nearest(rows: Points, others: Points, k: int) -> tuple[Distances, NDArray[np.int64]]:
    """Find the k most alike of other texts.

    Args:
        rows: n texts.
        others: m texts.
        k: at least 1.

    Returns:
        Distances and places, [n, k] each, the nearest first, ties by the lower place; NaN and -1
        where there are fewer.
    """
    distances = np.full((len(rows), k), np.nan)
    places = np.full((len(rows), k), -1, dtype=np.int64)
    step = max(1, BLOCK // max(1, len(others)))
    for start in range(0, len(rows), step):
        block = np.arange(start, min(start + step, len(rows)))
        cosines = (rows.counts[block] @ others.counts.T).toarray()
        apart = np.sqrt(np.maximum(2 - 2 * np.round(cosines, 9), 0.0))
        order = np.argsort(apart, axis=1, kind="stable")[:, :k]
        distances[block, : order.shape[1]] = np.take_along_axis(apart, order, axis=1)
        places[block, : order.shape[1]] = order
    return distances, places
