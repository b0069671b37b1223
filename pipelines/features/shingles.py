"""Represent texts as sets of shingles: n-grams of characters or of words, hashed to 64 bits.

Texts are compared in lower case, in compatibility form (NFKC), with single spaces; words also
without punctuation, and where a script has no spaces between words, each character is one. A text
shorter than one shingle is a single shingle, and so is a blank text, so that blank texts equal each
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import scripts
from lineage.ancestry.compiling import compiled

Unit = Literal["characters", "words"]
"""What an n-gram is made of."""
MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio; odd, so that multiplying by it loses nothing (Knuth 1973, 6.4)."""


@dataclass(frozen=True, slots=True)
class Sets:
    """Shingles of n texts; those of a text are sorted and distinct, except from `multisets`."""

    values: NDArray[np.uint64]
    starts: NDArray[np.int64]
    """[n + 1] offsets into `values`."""

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.starts) - 1


def normal(texts: pl.Series) -> pl.Series:
    """Normalise texts for comparison; null stays null."""
    plain = texts.cast(pl.String).str.normalize("NFKC").str.to_lowercase()
    return plain.str.replace_all(r"\s+", " ").str.strip_chars()


def sets(texts: pl.Series, unit: Unit, size: int) -> Sets:
    """Compute the shingles of normalised texts.

    Args:
        texts: [n], none of them null.
        unit: Whether n-grams are of characters or of words.
        size: Number of characters or words of an n-gram.
    """
    made = _cut(texts, unit, size, distinct=True)
    return Sets(made.values.copy(), made.starts)


def multisets(texts: pl.Series, unit: Unit, size: int) -> Sets:
    """Compute the shingles of normalised texts as they stand, which saves sorting them.

    They suit what depends neither on their order nor on how often each comes, as signatures do.

    Args:
        texts: as in `sets`.
        unit: as in `sets`.
        size: as in `sets`.
    """
    return _cut(texts, unit, size, distinct=False)


def _cut(texts: pl.Series, unit: Unit, size: int, *, distinct: bool) -> Sets:
    tokens, lengths = _characters(texts) if unit == "characters" else _words(texts)
    counts = np.maximum(lengths - size + 1, 1)
    values = np.empty(int(counts.sum()), dtype=np.uint64)
    sizes = np.empty(len(texts), dtype=np.int64)
    starts = _starts(counts)
    compiled(runs)(tokens, _starts(lengths), size, MIX, values, starts, sizes, distinct)
    return Sets(values[: int(sizes.sum())], _starts(sizes))


def joined(parts: list[Sets]) -> Sets:
    """Join the sets of several blocks of texts."""
    values = [part.values for part in parts] or [np.empty(0, dtype=np.uint64)]
    sizes = [np.diff(part.starts) for part in parts] or [np.empty(0, dtype=np.int64)]
    return Sets(np.concatenate(values), _starts(np.concatenate(sizes)))


def jaccard(
    left: Sets, right: Sets, left_rows: NDArray[np.int64], right_rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Compute the Jaccard similarity of pairs of texts: shingles in both over shingles in either.

    Args:
        left: Shingles of texts.
        right: Shingles of texts.
        left_rows: [p] row in `left` of each pair.
        right_rows: [p] row in `right` of each pair.

    Returns:
        [p] similarities in [0, 1].
    """
    similarity = np.empty(len(left_rows))
    compiled(shared)(
        left.values, left.starts, right.values, right.starts, left_rows, right_rows, similarity
    )
    return similarity


def _characters(texts: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    points = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
    return points.astype(np.uint64), texts.str.len_chars().cast(pl.Int64).to_numpy()


def _words(texts: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    words = texts.str.extract_all(scripts.LETTERS)
    lengths = words.list.len().cast(pl.Int64)
    flat = words.filter(lengths > 0).list.explode().cast(pl.String)
    return flat.hash(seed=0).to_numpy(), lengths.to_numpy()


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def runs(  # noqa: PLR0917  compiled code takes arrays by position
    tokens: NDArray[np.uint64],
    starts: NDArray[np.int64],
    size: int,
    mix: Any,  # noqa: ANN401  numba's uint64
    values: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    sizes: NDArray[np.int64],
    distinct: bool,
) -> None:
    """Hash the n-grams of each text, sort them, drop duplicates, and close the gaps.

    Args:
        tokens: Tokens of all texts.
        starts: [n + 1] offsets of the texts in `tokens`.
        size: Tokens of an n-gram.
        mix: Odd factor of the hash.
        values: Is filled with the hashes.
        offsets: [n + 1] offsets of the texts in `values`, before duplicates are dropped.
        sizes: [n] Is filled with the number of hashes of each text that are kept.
        distinct: Whether they are sorted and duplicates dropped; else all are kept as they stand.
    """
    end = 0
    for text in range(len(sizes)):
        first, last = starts[text], starts[text + 1]
        count = offsets[text + 1] - offsets[text]
        for run in range(count):
            hashed = mix
            for token in range(first + run, min(first + run + size, last)):
                hashed = (hashed ^ tokens[token]) * mix
                hashed ^= hashed >> np.uint64(29)
            values[offsets[text] + run] = hashed
        if not distinct:
            sizes[text] = count
            continue
        values[offsets[text] : offsets[text + 1]].sort()
        before = end
        for run in range(offsets[text], offsets[text + 1]):
            if end == before or values[end - 1] != values[run]:
                values[end] = values[run]
                end += 1
        sizes[text] = end - before


def shared(  # noqa: PLR0917  compiled code takes arrays by position
    left: NDArray[np.uint64],
    left_starts: NDArray[np.int64],
    right: NDArray[np.uint64],
    right_starts: NDArray[np.int64],
    left_rows: NDArray[np.int64],
    right_rows: NDArray[np.int64],
    similarity: NDArray[np.float64],
) -> None:
    """Fill in the Jaccard similarity of each pair of sorted sets, by merging them."""
    for pair in range(len(left_rows)):
        one, one_end = left_starts[left_rows[pair]], left_starts[left_rows[pair] + 1]
        other, other_end = right_starts[right_rows[pair]], right_starts[right_rows[pair] + 1]
        total = (one_end - one) + (other_end - other)
        both = 0
        while one < one_end and other < other_end:
            if left[one] == right[other]:
                both += 1
                one += 1
                other += 1
            elif left[one] < right[other]:
                one += 1
            else:
                other += 1
        similarity[pair] = both / (total - both)
