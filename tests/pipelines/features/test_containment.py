"""The largest share of one known text's shingles that a text has."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.features import containment, shingles

TEXTS = st.lists(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=9).map(" ".join),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)  # the first call compiles
@given(TEXTS, TEXTS, st.integers(1, 3))
def test_containment_is_the_largest_share_of_one_known_text(
    asked: list[str], known: list[str], size: int
) -> None:
    def sets(texts: list[str]) -> shingles.Sets:
        return shingles.sets(pl.Series(texts), "words", size)

    def parts(texts: list[str]) -> list[set[int]]:
        found = sets(texts)
        return [set(found.values[slice(*found.starts[at : at + 2])]) for at in range(len(texts))]

    expected = [
        max(len(text & other) / len(other) for other in parts(known)) for text in parts(asked)
    ]
    assert containment.largest(sets(asked), sets(known)).tolist() == pytest.approx(expected)


def test_two_characters_of_a_script_without_spaces_count_as_a_word() -> None:
    texts = pl.Series(["one two two", "我希望我是 mad hatter.", "ไปไป", "!?", None, ""])
    assert containment.different_words(texts).to_list() == [2.0, 4.0, 1.0, 0.0, 0.0, 0.0]


def test_nothing_is_contained_where_nothing_is_known() -> None:
    nothing = shingles.sets(pl.Series([], dtype=pl.String), "words", 3)
    assert containment.largest(shingles.sets(pl.Series(["a b"]), "words", 3), nothing)[0] == 0
