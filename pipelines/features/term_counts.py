"""How often runs of characters are in texts: scikit-learn's vectorizer, counting each word once.

scikit-learn cuts every text into its runs of characters, one Python object each. Runs within words
depend on the word alone, so each different word of all texts is cut once here, and the counts of
texts follow as a product of sparse matrices. Runs, their order, counts and types are
scikit-learn's to the last bit, so whatever learns from them is too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer, _align_api_if_sparse

WITHIN_WORDS: Final = "char_wb"
"""The analyzer whose runs of characters do not cross words."""


class TermVectorizer(TfidfVectorizer):  # type: ignore[misc]  # scikit-learn is not typed
    """scikit-learn's TF-IDF, faster where terms are runs of characters within words."""

    def _count_vocab(self, raw_documents: Iterable[str], fixed_vocab: bool) -> tuple[Any, Any]:
        """Count terms: the number of each term, and counts [texts, terms]."""
        if self.analyzer != WITHIN_WORDS:
            counted: tuple[Any, Any] = super()._count_vocab(raw_documents, fixed_vocab)
            return counted
        vocabulary: dict[str, int] = self.vocabulary_ if fixed_vocab else {}
        words, of_texts = self._words(raw_documents)
        of_words = self._runs(words, vocabulary, fixed=fixed_vocab)
        if not vocabulary:
            raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
        found = of_texts @ of_words
        places = np.int32 if found.nnz <= np.iinfo(np.int32).max else np.int64
        parts = (found.data, found.indices.astype(places), found.indptr.astype(places))
        counts = sparse.csr_array(parts, shape=found.shape, dtype=self.dtype)
        counts.sort_indices()
        return vocabulary, _align_api_if_sparse(counts)

    def _words(self, texts: Iterable[str]) -> tuple[list[str], Any]:
        """Split texts: the different words in the order of their appearance, [texts, words]."""
        prepare = self.build_preprocessor()
        numbers: dict[str, int] = {}
        columns: list[int] = []
        sizes: list[int] = []
        for text in texts:
            words = self._white_spaces.sub(" ", prepare(self.decode(text))).split()
            columns.extend([numbers.setdefault(word, len(numbers)) for word in words])
            sizes.append(len(words))
        return list(numbers), _counts(columns, sizes, len(numbers))

    def _runs(self, words: list[str], vocabulary: dict[str, int], *, fixed: bool) -> Any:  # noqa: ANN401  scipy's
        """Cut words into runs of characters, [words, runs]; new ones are added unless it is fixed.

        A run first appears in the first appearance of a word, so runs that are numbered word by
        word are numbered in the order in which they appear in the texts.
        """
        columns: list[int] = []
        sizes: list[int] = []
        for word in words:
            runs = self._char_wb_ngrams(word)
            if fixed:
                numbers = [vocabulary[run] for run in runs if run in vocabulary]
            else:
                numbers = [vocabulary.setdefault(run, len(vocabulary)) for run in runs]
            columns.extend(numbers)
            sizes.append(len(numbers))
        return _counts(columns, sizes, len(vocabulary))


def _counts(columns: list[int], sizes: list[int], width: int) -> Any:  # noqa: ANN401  scipy's
    """Count the numbers of each row, of which row i has `sizes[i]`: [rows, width]."""
    rows: NDArray[np.int64] = np.repeat(np.arange(len(sizes)), sizes)
    ones = np.ones(len(rows), dtype=np.float64)
    places = (rows, np.asarray(columns, dtype=np.int64))
    return sparse.coo_array((ones, places), shape=(len(sizes), width)).tocsr()
