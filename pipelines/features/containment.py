"""How much of one known text does another text contain?

The containment of A in B is the share of A's shingles that B has (Broder 1997, On the resemblance
and containment of documents, section 2). It is relative to the known text, so a short line that
is quoted whole has containment 1 in a text of any length, where its share of that text is small.
Tülu 3 (Lambert et al. 2024) measures contamination by test instances in this way: by the share of
one test instance that one training instance has.

Pairs with a shingle in common are counted through an inverted index, without any other pair.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import scripts
from lineage.ancestry.compiling import compiled
from pipelines.features.shingles import Sets

CHARACTERS: Final = 2
"""Characters that count as one word, in scripts without spaces between words."""


def different_words(texts: pl.Series) -> pl.Series:
    """Count the different words of each text, [n]; a null text has none.

    A character of a script without spaces between words counts as half a word.

    Args:
        texts: [n] in their normal form.
    """
    words = pl.Series("words", texts).str.extract_all(scripts.LETTERS).list.unique()
    wide = words.list.eval(pl.element().str.contains(f"[{scripts.UNSPACED}]").sum()).list.first()
    count = words.list.len() - wide * (1 - 1 / CHARACTERS)
    return count.fill_null(0.0)


def largest(asked: Sets, known: Sets) -> NDArray[np.float64]:
    """Compute the largest containment of any known text in each text, [n].

    Args:
        asked: Shingles of n texts.
        known: Shingles of the texts to look for; each has one at least.

    Returns:
        Shares in [0, 1]; 0 where no shingle is shared.
    """
    containment = np.zeros(len(asked))
    if not len(known):
        return containment
    sizes = np.diff(known.starts)
    order = np.argsort(known.values, kind="stable")
    values, first = np.unique(known.values[order], return_index=True)
    texts = np.repeat(np.arange(len(known), dtype=np.int32), sizes)[order]
    ends = np.append(first, len(texts))
    index = np.minimum(np.searchsorted(values, asked.values), len(values) - 1)
    there = values[index] == asked.values
    starts = np.append(0, np.cumsum(there))[asked.starts]
    compiled(count)(index[there], starts, texts, ends, sizes, containment)
    return containment


def count(  # noqa: PLR0917  compiled code takes arrays by position
    posting: NDArray[np.int64],
    starts: NDArray[np.int64],
    texts: NDArray[np.int32],
    ends: NDArray[np.int64],
    sizes: NDArray[np.int64],
    containment: NDArray[np.float64],
) -> None:
    """Fill in the largest containment for each text, by counting through an inverted index.

    Args:
        posting: Numbers in the index of the shingles of each text that are there.
        starts: [n + 1] offsets of the texts in `posting`.
        texts: Known texts that have a shingle, by shingle.
        ends: Offsets of the shingles in `texts`.
        sizes: [m] number of shingles of each known text.
        containment: [n] Is filled.
    """
    shared = np.zeros(len(sizes), dtype=np.int32)
    for text in range(len(containment)):
        own = posting[starts[text] : starts[text + 1]]
        for run in own:
            for known in texts[ends[run] : ends[run + 1]]:
                shared[known] += 1
        for run in own:
            for known in texts[ends[run] : ends[run + 1]]:
                if shared[known]:
                    containment[text] = max(containment[text], shared[known] / sizes[known])
                    shared[known] = 0
