"""Diversity of texts: distinct n-grams and compression ratio.

Both depend on the number of texts, so they compare only at equal numbers.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import scripts
from expectations.errors import CannotJudge

VERSION: Final = "text_diversity/2"
"""Raised when the figures change for equal input."""

Rows = NDArray[np.int64]


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

    Where a script has no spaces between words, each character is one.

    Args:
        texts: [n], without null.
        length: words of an n-gram.
    """
    words = (
        texts.to_frame("text")
        .with_row_index("at")
        .select(
            "at", pl.col("text").str.to_lowercase().str.extract_all(scripts.TOKENS).alias("word")
        )
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
