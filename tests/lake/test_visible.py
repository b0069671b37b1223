"""Marks for what does not print: every such character, once, and back again."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lake.visible import MARKED, escape_json, mark_unprintable, unmark, visible

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
anything = st.text(st.characters(exclude_categories=()))  # surrogates too
backslashes = st.text(st.sampled_from("\\u{}15bce\x1b\n é\ud83d"))


def hidden(text: str, *, but: str = "") -> set[str]:
    """What is in a text that does not print."""
    return {each for each in text if unicodedata.category(each) in HIDDEN and each not in but}


@given(anything | backslashes)
@example("\x1b]0;title\x07 \x9b31m \x7f \0 \u202e \u2066 \u200b \u2028 \ud83d \ue000 \U000e0001")
@example("\\u{1b} \\\\u{ \\u{5c} \\u")
def test_a_marked_text_prints_and_can_be_told_from_any_other(text: str) -> None:
    shown = visible(text)
    assert not hidden(shown)
    assert unmark(shown) == text
    whole = visible(text, lines=True)
    assert not hidden(whole, but="\n\t")
    assert unmark(whole) == text
    assert whole.count("\n") == text.count("\n")


@given(anything)
def test_what_is_tamed_stays_so_and_marks_stay_marks(text: str) -> None:
    assert not hidden(mark_unprintable(text), but="\n\t")
    assert mark_unprintable(mark_unprintable(text)) == mark_unprintable(text)
    assert mark_unprintable(visible(text, lines=True)) == visible(text, lines=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "déjà vu",
        "日本語　です",
        "1\xa0000 €",
        "مرحبا",
        "👍🏽",
        "C:\\users",
        "\\frac{1}{2}",
    ],
)
def test_what_prints_is_not_changed(text: str) -> None:
    assert visible(text) == mark_unprintable(text) == unmark(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", "\\u{1b}[31m"),
        ("a\nb\tc\rd", "a\\u{a}b\\u{9}c\\u{d}d"),
        ("\x9b", "\\u{9b}"),
        ("\x7f", "\\u{7f}"),
        ("gpj.\u202eexe", "gpj.\\u{202e}exe"),
        ("\u2066x\u2069", "\\u{2066}x\\u{2069}"),
        ("a\u200bb\ufeff\xad", "a\\u{200b}b\\u{feff}\\u{ad}"),
        ("a\u2028b\u2029", "a\\u{2028}b\\u{2029}"),
        ("\ud83d", "\\u{d83d}"),
        ("name\udcff", "name\\u{dcff}"),
        ("\ue000\U0010ffff", "\\u{e000}\\u{10ffff}"),
        ("\\u{1b}", "\\u{5c}u{1b}"),
    ],
)
def test_marks_are_code_points(raw: str, shown: str) -> None:
    assert visible(raw) == shown
    assert visible("a\nb\tc\rd", lines=True) == "a\nb\tc\\u{d}d"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
@example(["\x1b\x7f\x9b\u202e\u2028\U000e0001é\U0001f600"])
def test_json_says_the_same_and_shows_nothing_raw(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert json.loads(escape_json(text)) == value
    assert not hidden(escape_json(text), but="\n\t")
    plain = escape_json(text, ascii_only=True)
    assert plain.isascii()
    assert not hidden(plain, but="\n\t")
    assert json.loads(plain) == value


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_an_encoding_that_lacks_signs_gets_plain_ones(text: str) -> None:
    for encoding in ("ascii", "latin-1"):
        shown = visible(text).encode(encoding, MARKED).decode(encoding)
        assert not hidden(shown)
    assert "5 – 3 … φ █é".encode("ascii", MARKED) == b"5 - 3 ... phi #\\u{e9}"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", MARKED)
