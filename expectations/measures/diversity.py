"""Diversity of rows or texts: Vendi score, distinct n-grams, compression ratio.

All of them depend on the number of rows, so they compare only at equal numbers of rows.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations.errors import CannotJudge
from expectations.measures import manifold
from expectations.measures.points import Points

VERSION: Final = "diversity/1"
"""Raised when the figures change for equal input."""

SCALE_ROWS: Final = 500
"""Number of real rows whose distances give the width of the kernel."""
TOKEN: Final = r"\S+"  # noqa: S105  a word, not a secret

Rows = NDArray[np.int64]


def vendi(points: Points, width: float) -> float:
    """Vendi score: the effective number of different rows, in [1, n] (Friedman & Dieng 2023).

    Vendi score, Friedman & Dieng 2023: exp(−Σ λ_i log λ_i), λ the eigenvalues of K/n, with the
    kernel K_ij = exp(−|x_i − x_j|² / (2·width²)).

    Args:
        points: [n, d].
        width: of the kernel, in the unit of the points.
    """
    apart = manifold.distances(points, points) / width
    values = np.linalg.eigvalsh(np.exp(-(apart**2) / 2) / len(points))
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))


def width(real: Points) -> float:
    """Median distance between the first `SCALE_ROWS` real points, [m, d].

    Raises:
        CannotJudge: it is 0.
    """
    few = real[:SCALE_ROWS]
    apart = manifold.distances(few, few)[np.triu_indices(len(few), 1)]
    median = float(np.median(apart)) if len(apart) else 0.0
    if median == 0:
        raise CannotJudge("most real rows are the same, so there is no unit of distance")
    return median


@dataclass(frozen=True, slots=True)
class Ngrams:
    """All n-grams of some texts, encoded as numbers."""

    ids: Rows
    """Code of each n-gram, [t]; equal n-grams have equal codes."""
    texts: Rows
    """Index of the text of each n-gram, [t]."""

    def distinct(self, chosen: Rows) -> float:
        """Distinct-n of the chosen texts, in (0, 1] (Li et al. 2016).

        Raises:
            CannotJudge: no chosen text has one.
        """
        is_chosen = np.zeros(int(max(self.texts.max(initial=-1), chosen.max(initial=-1))) + 1, bool)
        is_chosen[chosen] = True
        ids = self.ids[is_chosen[self.texts]]
        if not len(ids):
            raise CannotJudge("the texts are too short to have one n-gram")
        return float(np.count_nonzero(np.bincount(ids)) / len(ids))


def ngrams(texts: pl.Series, length: int) -> Ngrams:
    """Encode the n-grams of texts: words between white space, in lower case.

    Args:
        texts: [n], without null.
        length: words of an n-gram.
    """
    words = (
        texts.to_frame("text")
        .with_row_index("at")
        .select("at", pl.col("text").str.to_lowercase().str.extract_all(TOKEN).alias("word"))
        .explode("word")
        .drop_nulls()
    )
    text_numbers = words["at"].to_numpy().astype(np.int64)
    ids = words["word"].rank("dense").to_numpy().astype(np.int64)
    if len(ids) < length:
        return Ngrams(ids[:0], text_numbers[:0])
    single, kinds = ids, int(ids.max()) + 1
    for step in range(1, length):
        pairs = ids[: len(text_numbers) - step] * kinds + single[step:]
        ids = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
    starts = text_numbers[: len(ids)]
    whole = starts == text_numbers[length - 1 :]
    return Ngrams(ids[whole], starts[whole])


def compression(texts: NDArray[Any]) -> float:
    """Compression ratio of texts: bytes over compressed bytes; higher is more repetitive.

    Shaib et al. 2024, with gzip's method (zlib), whose window is 32 KiB.

    Args:
        texts: [n], in the order in which they are compressed.

    Raises:
        CannotJudge: they are empty.
    """
    whole = "\n".join(texts).encode()
    if len(whole) < len(texts):
        raise CannotJudge("the texts are empty")
    return len(whole) / len(zlib.compress(whole, 9))
