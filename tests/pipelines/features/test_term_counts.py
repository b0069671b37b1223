"""Terms are counted as scikit-learn counts them, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from pipelines.features.term_counts import TermVectorizer

WAYS: dict[str, dict[str, Any]] = {
    "words": {"sublinear_tf": True, "ngram_range": (1, 2), "strip_accents": "unicode"},
    "characters": {"sublinear_tf": True, "analyzer": "char_wb", "ngram_range": (2, 5)},
    "frequent": {"analyzer": "char_wb", "ngram_range": (2, 4), "min_df": 2, "max_features": 9},
}
TEXTS = st.lists(
    st.text(st.sampled_from("ab cé İ\x1c\x85\u3000ÅA1_-.\n\t"), max_size=20), min_size=1, max_size=8
)


def same(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs)
    assert ours.shape == theirs.shape
    for name in ("data", "indices", "indptr"):
        left, right = getattr(ours, name), getattr(theirs, name)
        assert left.dtype == right.dtype, name
        assert np.array_equal(left, right), name


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(learned=TEXTS, asked=TEXTS)
def test_counts_are_those_of_scikit_learn(way: str, learned: list[str], asked: list[str]) -> None:
    ours, theirs = TermVectorizer(**WAYS[way]), TfidfVectorizer(**WAYS[way])
    try:
        expected = theirs.fit_transform(learned)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error).split(".")[0].split(";")[0]):
            ours.fit_transform(learned)
        return
    same(ours.fit_transform(learned), expected)
    assert list(ours.vocabulary_.items()) == list(theirs.vocabulary_.items())
    assert np.array_equal(ours.idf_, theirs.idf_)
    same(ours.transform(asked), theirs.transform(asked))
