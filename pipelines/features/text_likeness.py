"""How alike texts are by the pieces of words that they share, whatever was changed in some words.

Runs of three to five characters within words are counted, without case and accents; the distance of
two texts is that of their directions (2 − 2·cosine, its root): 0 to √2. Nothing is fitted, so real
rows that train lie no nearer than others. A text with a fifth of its words dropped or replaced is
far nearer to its original than to any other; one in other words is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features.closest import Closest, slices

RUNS: Final = (3, 5)
"""Shortest and longest run of characters."""
NUMBERS: Final = 1 << 18
"""Counts of a text, by the hash of a run."""
BLOCK: Final = 1 << 22
"""Distances that are held in memory at once."""
COUNTED: Final = 1 << 21
"""Characters of texts whose counts are held in memory at once; about 40 bytes each."""
KEPT: Final = 1 << 22
"""Characters of texts whose counts are kept. Those of more are counted anew for each comparison."""

Texts = NDArray[Any]
Distances = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Texts, and their sparse counts of length 1, [n, NUMBERS], where these are kept."""

    texts: Texts
    """[n] strings."""
    counts: Any = None
    """A scipy matrix in rows; None of texts of more than `KEPT` characters."""

    def at(self, rows: NDArray[np.int64]) -> Points:
        """Select texts."""
        return Points(self.texts[rows], None if self.counts is None else self.counts[rows])

    def blocks(self) -> Iterator[tuple[int, Any]]:
        """Yield the counts of texts in blocks, each with the place of its first text."""
        if self.counts is not None:
            yield 0, self.counts
            return
        for block in _blocks(self.texts):
            yield block.start, _count(self.texts[block])

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.texts)


def points(texts: Texts) -> Points:
    """Count the runs of characters of texts, [n]."""
    given = np.asarray([str(text) for text in texts], dtype=object)
    few = sum(map(len, given)) <= KEPT
    return Points(given, _count(given) if few and len(given) else None)


def nearest(rows: Points, others: Points, k: int) -> tuple[Distances, NDArray[np.int64]]:
    """Find the k most alike of other texts.

    Args:
        rows: n texts.
        others: m texts.
        k: at least 1.

    Returns:
        Distances and places, [n, k] each, the nearest first, ties by the lower place; NaN and -1
        where there are fewer. Memory does not grow with the texts.
    """
    found = Closest.of(len(rows), k)
    for first, ours in rows.blocks():
        for start, theirs in others.blocks():
            turned = theirs.T.tocsr()
            for block in slices(ours.shape[0], BLOCK // theirs.shape[0]):
                cosines = (ours[block] @ turned).toarray()
                apart = np.sqrt(np.maximum(2 - 2 * np.round(cosines, 9), 0.0))
                found.add(slice(first + block.start, first + block.stop), start, apart)
    return found.distances, found.places


def _blocks(texts: Texts) -> Iterator[slice]:
    """Cut texts into slices of at most `COUNTED` characters, or of one text."""
    start, characters = 0, 0
    for place, text in enumerate(texts):
        characters += len(text)
        if characters > COUNTED and place > start:
            yield slice(start, place)
            start, characters = place, len(text)
    if len(texts) > start:
        yield slice(start, len(texts))


def _count(texts: Texts) -> Any:  # noqa: ANN401  an untyped library
    from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415  slow to import

    vectorizer = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=RUNS,
        n_features=NUMBERS,
        strip_accents="unicode",
        alternate_sign=False,
    )
    return vectorizer.transform(texts).tocsr()
