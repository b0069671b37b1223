"""Embed texts by latent semantic analysis, fitted on the real texts alone.

Deerwester et al. 1990: the leading singular directions of the TF-IDF matrix. It needs no model from
elsewhere, is the same for all rounds of one real data set, and puts texts with like words near to
each other. It does not see the order of words. Where a script has no spaces between words, each
pair of neighbouring characters is one, as search engines have it for Chinese and Japanese.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from expectations import scripts
from pipelines.common.errors import DataError

DIMENSIONS: Final = 64
WORD: Final = re.compile(r"\b\w\w+\b")
"""scikit-learn's own pattern of a word."""
Texts = NDArray[Any]
Points = NDArray[np.float32]


def fit(real: Texts) -> Callable[[Texts], Points]:
    """Fit the embedding space on real texts.

    Args:
        real: [n] texts.

    Returns:
        A function that embeds texts [m] as points [m, d]. A point has length 1 if its text has a
        word of the real texts, else 0.

    Raises:
        DataError: There are too few real texts or words.
    """
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415  slow to import
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.preprocessing import normalize  # noqa: PLC0415

    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        strip_accents="unicode",
        min_df=min(2, len(real)),
        tokenizer=words,
        token_pattern=None,
    )
    try:
        matrix = vectorizer.fit_transform(real)
    except ValueError as error:
        raise DataError(f"the real texts cannot be measured: {error}") from error
    dimensions = min(DIMENSIONS, min(matrix.shape) - 1)
    if dimensions < 1:
        raise DataError("the real texts cannot be measured: they have too few words in common")
    space = TruncatedSVD(dimensions, algorithm="arpack", random_state=0).fit(matrix)

    def points(texts: Texts) -> Points:
        if not len(texts):
            return np.empty((0, dimensions), dtype=np.float32)
        embedded: Points = normalize(space.transform(vectorizer.transform(texts))).astype(
            np.float32
        )
        return embedded

    return points


def words(text: str) -> list[str]:
    """Cut a text into words of two or more characters, or pairs where a script has no spaces."""
    parts = scripts.runs(text)
    if len(parts) == 1:
        return WORD.findall(text)
    plain = [word for part in parts[::2] for word in WORD.findall(part)]
    return plain + [pair for part in parts[1::2] for pair in _pairs(part)]


def _pairs(run: str) -> list[str]:
    """Pairs of neighbouring characters, none of them a sign; a single character stands alone."""
    pairs = [first + second for first, second in pairwise(run)] or [run]
    return [pair for pair in pairs if not any(map(_is_sign, pair))]


def _is_sign(character: str) -> bool:
    return unicodedata.category(character)[0] in "PSZC"
