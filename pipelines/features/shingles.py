"""Texts as sets of shingles: runs of characters or of words, hashed to 64 bits.

Texts are compared without case, in compatibility form (NFKC), with single spaces; words also
without punctuation. A text shorter than one shingle is one shingle as a whole, a blank one too, so
blank texts equal each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage.ancestry.compiling import compiled

Kind = Literal["characters", "words"]
MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio; odd, so that multiplying by it loses nothing (Knuth 1973, 6.4)."""


@dataclass(frozen=True, slots=True)
class Sets:
    """Shingles of n texts, each text's in order and once."""

    values: NDArray[np.uint64]
    starts: NDArray[np.int64]
    """[n + 1] places in `values`."""

    def __len__(self) -> int:
        """How many texts."""
        return len(self.starts) - 1


def normal(texts: pl.Series) -> pl.Series:
    """The form in which texts are compared; null where there is none."""
    plain = texts.cast(pl.String).str.normalize("NFKC").str.to_lowercase()
    return plain.str.replace_all(r"\s+", " ").str.strip_chars()


def sets(texts: pl.Series, kind: Kind, size: int) -> Sets:
    """Shingles of texts in their normal form.

    Args:
        texts: n, none of them null.
        kind: of what runs are taken.
        size: characters or words of a run.
    """
    tokens, lengths = _characters(texts) if kind == "characters" else _words(texts)
    counts = np.maximum(lengths - size + 1, 1)
    values = np.empty(int(counts.sum()), dtype=np.uint64)
    sizes = np.empty(len(texts), dtype=np.int64)
    compiled(runs)(tokens, _starts(lengths), size, MIX, values, _starts(counts), sizes)
    return Sets(values[: int(sizes.sum())].copy(), _starts(sizes))


def joined(parts: list[Sets]) -> Sets:
    """Sets of several blocks of texts as one."""
    values = [each.values for each in parts] or [np.empty(0, dtype=np.uint64)]
    sizes = [np.diff(each.starts) for each in parts] or [np.empty(0, dtype=np.int64)]
    return Sets(np.concatenate(values), _starts(np.concatenate(sizes)))


def jaccard(
    left: Sets, right: Sets, at: NDArray[np.int64], among: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Jaccard similarity of pairs of texts, [p]: shingles in both over shingles in either.

    Args:
        left: shingles.
        right: shingles.
        at: [p] texts of `left`.
        among: [p] texts of `right`.
    """
    found = np.empty(len(at))
    compiled(shared)(left.values, left.starts, right.values, right.starts, at, among, found)
    return found


def _characters(texts: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    points = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
    return points.astype(np.uint64), texts.str.len_chars().cast(pl.Int64).to_numpy()


def _words(texts: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    words = texts.str.extract_all(r"\w+")
    lengths = words.list.len().cast(pl.Int64)
    each = words.filter(lengths > 0).list.explode().cast(pl.String)
    return each.hash(seed=0).to_numpy(), lengths.to_numpy()


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def runs(  # noqa: PLR0917  compiled code takes arrays by position
    tokens: NDArray[np.uint64],
    starts: NDArray[np.int64],
    size: int,
    mix: Any,  # noqa: ANN401  numba's uint64
    values: NDArray[np.uint64],
    places: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> None:
    """Hash the runs of each text, sort them, leave each once, and close the gaps.

    Args:
        tokens: of all texts.
        starts: [n + 1] of each text in `tokens`.
        size: of a run.
        mix: odd factor.
        values: filled in.
        places: [n + 1] of each text's runs in `values`, before any is left out.
        sizes: [n], filled in: how many are left.
    """
    end = 0
    for text in range(len(sizes)):
        first, last = starts[text], starts[text + 1]
        count = places[text + 1] - places[text]
        for run in range(count):
            found = mix
            for at in range(first + run, min(first + run + size, last)):
                found = (found ^ tokens[at]) * mix
                found ^= found >> np.uint64(29)
            values[places[text] + run] = found
        values[places[text] : places[text + 1]].sort()
        before = end
        for run in range(places[text], places[text + 1]):
            if end == before or values[end - 1] != values[run]:
                values[end] = values[run]
                end += 1
        sizes[text] = end - before


def shared(  # noqa: PLR0917  compiled code takes arrays by position
    left: NDArray[np.uint64],
    left_starts: NDArray[np.int64],
    right: NDArray[np.uint64],
    right_starts: NDArray[np.int64],
    at: NDArray[np.int64],
    among: NDArray[np.int64],
    found: NDArray[np.float64],
) -> None:
    """Fill in the Jaccard similarity of each pair of sorted sets, by merging them."""
    for pair in range(len(at)):
        one, one_end = left_starts[at[pair]], left_starts[at[pair] + 1]
        other, other_end = right_starts[among[pair]], right_starts[among[pair] + 1]
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
        found[pair] = both / (total - both)
