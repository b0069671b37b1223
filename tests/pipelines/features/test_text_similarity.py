from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations import scripts
from pipelines.common import optional
from pipelines.common.errors import LibraryError
from pipelines.features import shingles, text_similarity
from pipelines.features.shingles import Unit
from pipelines.features.text_similarity import Pairs, Shingling

WORDS = np.array([f"{first}{last}" for first in "abcdefgh" for last in ("um", "ox", "isk", "erta")])
TEXTS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.lists(st.sampled_from(["ab", "cd", "ef", "É", "日本"]), max_size=8).map(" ".join),
)


def by_hand(text: str, unit: Unit, size: int) -> set[str]:
    """Cut the shingles of a text by slices."""
    plain = shingles.normal(pl.Series([text]))[0]
    if unit == "words":
        words = pl.Series([plain]).str.extract_all(scripts.LETTERS)[0].to_list()
        return {
            " ".join(words[start : start + size]) for start in range(max(len(words) - size + 1, 1))
        }
    return {plain[start : start + size] for start in range(max(len(plain) - size + 1, 1))}


def similarity(one: str, other: str, unit: Unit, size: int) -> float:
    first, second = by_hand(one, unit, size), by_hand(other, unit, size)
    return len(first & second) / len(first | second)


def first_ones(texts: list[str | None]) -> list[int]:
    """For each row the first with the same normal form."""
    plain = shingles.normal(pl.Series(texts, dtype=pl.String)).to_list()
    return [plain.index(text) for text in plain]


def by_rows(near: Pairs) -> dict[tuple[int, int], float]:
    keys = zip(near.left.tolist(), near.right.tolist(), strict=True)
    return dict(zip(keys, near.similarity.tolist(), strict=True))


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS, max_size=12), st.sampled_from(["characters", "words"]), st.integers(1, 4))
def test_pairs_among_one_list_are_those_found_by_hand(
    texts: list[str | None], unit: Unit, size: int
) -> None:
    near = by_rows(
        text_similarity.pairs(
            pl.Series(texts, dtype=pl.String), threshold=0.5, shingling=Shingling(unit, size)
        )
    )
    first = first_ones(texts)
    wanted = {}
    for right, text in enumerate(texts):
        for left, other in enumerate(texts[:right]):
            if text is None or other is None:
                continue
            if first[left] == first[right] == left:
                wanted[left, right] = 1.0
            if first[left] == left and first[right] == right:
                wanted[left, right] = similarity(other, text, unit, size)
    assert near == pytest.approx({rows: value for rows, value in wanted.items() if value >= 0.5})


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS, max_size=8), st.lists(TEXTS, max_size=8))
def test_pairs_of_two_lists_are_those_found_by_hand(
    left: list[str | None], right: list[str | None]
) -> None:
    near = by_rows(
        text_similarity.pairs(
            pl.Series(left, dtype=pl.String), pl.Series(right, dtype=pl.String), threshold=0.6
        )
    )
    first = first_ones(right)
    wanted = {
        (row, other_row): similarity(text, other, "characters", 5)
        for row, text in enumerate(left)
        for other_row, other in enumerate(right)
        if text is not None and other is not None and first[other_row] == other_row
    }
    assert near == pytest.approx({rows: value for rows, value in wanted.items() if value >= 0.6})


def sentences(count: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    return [" ".join(row) for row in WORDS[draw.integers(0, len(WORDS), (count, 20))]]


def edited(texts: list[str], seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    changed = []
    for text in texts:
        words = text.split()
        words[draw.integers(len(words))] = "zzz"
        changed.append(" ".join(words))
    return changed


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8])
def test_bands_miss_next_to_nothing(threshold: float) -> None:
    base = sentences(1500, 1)
    near = edited(base, 2)
    assert len(base) * len(near) > text_similarity.FEW
    pairs = text_similarity.pairs(pl.Series(near), pl.Series(base), threshold=threshold)
    sets = shingles.sets(shingles.normal(pl.Series(base + near)), "characters", 5)
    rows = np.arange(1500)
    wanted = rows[shingles.jaccard(sets, sets, rows, rows + 1500) >= threshold]
    assert len(wanted) > 300
    assert np.isin(wanted, pairs.left).mean() >= 0.995
    assert (pairs.similarity >= threshold).all()
    again = text_similarity.pairs(pl.Series(near), pl.Series(base), threshold=threshold)
    assert all(np.array_equal(one, other) for one, other in zip(pairs, again, strict=True))


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_signatures_are_the_same_of_shingles_that_are_not_sorted(unit: shingles.Unit) -> None:
    texts = shingles.normal(pl.Series(["abab abab abab abab", "", "x", *sentences(40, 5)]))
    distinct, standing = shingles.sets(texts, unit, 3), shingles.multisets(texts, unit, 3)
    assert len(standing.values) > len(distinct.values), "shingles that come twice are there twice"
    for row in range(len(texts)):
        own = standing.values[standing.starts[row] : standing.starts[row + 1]]
        kept = distinct.values[distinct.starts[row] : distinct.starts[row + 1]]
        assert np.array_equal(np.unique(own), kept)
    signed = text_similarity.signatures(distinct, 64, 7)
    assert np.array_equal(signed, text_similarity.signatures(standing, 64, 7))


def test_rows_of_equal_numbers_are_counted() -> None:
    ordered = np.array([1, 3, 3, 3, 9], dtype=np.uint64)
    keys = np.array([0, 1, 2, 3, 9, 10], dtype=np.uint64)
    low = np.searchsorted(ordered, keys)
    assert text_similarity._equal_from(ordered, low, keys).tolist() == [0, 1, 0, 3, 1, 0]
    none = np.empty(0, dtype=np.uint64)
    assert not text_similarity._equal_from(none, np.zeros(6, np.int64), keys).any()


def test_many_texts_among_themselves() -> None:
    base = sentences(900, 3)
    texts = base + base[:50] + edited(base[50:100], 4)
    near = text_similarity.pairs(pl.Series(texts), threshold=0.6)
    pairs = set(zip(near.left.tolist(), near.right.tolist(), strict=True))
    assert {(row, 900 + row) for row in range(100)} <= pairs
    assert (near.left < near.right).all()
    group = text_similarity.groups(len(texts), near.left, near.right)
    assert group[900:1000].tolist() == group[:100].tolist()


def test_a_crowd_stays_one_group_and_is_not_compared_all_with_all() -> None:
    crowd = [
        f"The answer to question number {number} is that nobody knows it" for number in range(3000)
    ]
    near = text_similarity.pairs(pl.Series(crowd), threshold=0.7)
    assert len(near.left) < 3000 * text_similarity.CROWD * 2 * 32
    assert set(near.right.tolist()) == set(range(1, 3000))
    assert set(text_similarity.groups(3000, near.left, near.right).tolist()) == {0}


def test_the_same_text_a_thousand_times_is_paired_with_its_first() -> None:
    near = text_similarity.pairs(pl.Series(["a b c d e f"] * 1000))
    assert near.left.tolist() == [0] * 999
    assert near.right.tolist() == list(range(1, 1000))


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_nothing_is_near_to_nothing(unit: Unit) -> None:
    empty = pl.Series([], dtype=pl.String)
    missing = pl.Series([None, None], dtype=pl.String)
    for left, right in [(empty, None), (missing, None), (empty, missing), (missing, empty)]:
        assert len(text_similarity.pairs(left, right, shingling=Shingling(unit)).left) == 0
    assert text_similarity.groups(0, *[np.empty(0, np.int64)] * 2).tolist() == []


def test_hostile_texts() -> None:
    nasty = [
        "\x00" * 9,
        "\u202eevil",
        "é" * 5000,
        "é" * 5000,
        "\U0001f469\u200d\U0001f467" * 50,
        "",
        "\t\n",
    ]
    near = by_rows(text_similarity.pairs(pl.Series(nasty)))
    assert near == {(2, 3): 1.0, (5, 6): 1.0}


def test_case_width_and_spaces_do_not_count() -> None:
    near = text_similarity.pairs(pl.Series(["\uff28ello  World", "hello world "]))
    assert by_rows(near) == {(0, 1): 1.0}


def test_signatures_estimate_the_similarity() -> None:
    base = sentences(200, 5)
    sets = shingles.sets(shingles.normal(pl.Series(base + edited(base, 6))), "characters", 5)
    made = text_similarity.signatures(sets, 256, seed=0)
    rows = np.arange(200)
    exact = shingles.jaccard(sets, sets, rows, rows + 200)
    guessed = (made[:200] == made[200:]).mean(axis=1)
    assert abs(float((guessed - exact).mean())) < 0.01


def test_bands_that_cannot_find_the_threshold_are_refused() -> None:
    assert text_similarity.band_rows(0.8, 128) == 5
    with pytest.raises(ValueError, match="4 permutations cannot find"):
        text_similarity.band_rows(0.3, 4)


def test_progress_reaches_the_end() -> None:
    seen: list[tuple[int, int]] = []
    text_similarity.pairs(
        pl.Series(sentences(600, 7)),
        pl.Series(sentences(600, 8)),
        progress=lambda done, of: seen.append((done, of)),
    )
    assert seen[-1] == (1200, 1200)


def test_a_missing_library_names_the_extra() -> None:
    with pytest.raises(LibraryError, match=r"need the library 'no_such'.*\[scorers\]"):
        optional.library("no_such.module", "near-duplicates of many texts")


def test_one_search_in_several_lists_finds_what_each_search_alone_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_similarity, "FEW", 30)  # bands even of so few texts
    draw = np.random.default_rng(3)
    lines = [" ".join(WORDS[draw.integers(0, len(WORDS), 12)]) for _ in range(40)]
    left = pl.Series([*lines[:20], None, *(f"{line} x" for line in lines[:5])], dtype=pl.String)
    others = [
        pl.Series([f"y {line}" for line in lines[15:]], dtype=pl.String),
        pl.Series([lines[2].upper()], dtype=pl.String),  # few, so that all are compared
        pl.Series([], dtype=pl.String),
    ]
    signed: list[int] = []
    keys = text_similarity._Hasher._keys

    def counted(self: text_similarity._Hasher, sets: shingles.Sets, width: int) -> object:
        signed.append(len(sets))
        return keys(self, sets, width)

    monkeypatch.setattr(text_similarity._Hasher, "_keys", counted)
    search = text_similarity.Search(left, threshold=0.7)
    found = [search.pairs(None), *(search.pairs(other) for other in others)]
    assert signed == [25, 25], "these texts once, and those of the first list"
    alone = [text_similarity.pairs(left, other, threshold=0.7) for other in (None, *others)]
    assert [by_rows(near) for near in found] == [by_rows(near) for near in alone]
    assert set(by_rows(found[0])) == {(row, 21 + row) for row in range(5)}
    assert [row for row, _ in by_rows(found[1])] == list(range(15, 20))
    assert set(by_rows(found[2])) == {(2, 0), (23, 0)}
    assert by_rows(found[3]) == {}
