"""Missing glyphs are counted and drawn as dots, and a font that has them is found."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.contact_sheet import fonts, text_picture


def test_latin_texts_are_drawn_by_the_font_of_the_library() -> None:
    found = fonts.drawable("Plain text, 3.14", 13)
    assert (found.text, found.absent, found.reversed) == ("Plain text, 3.14", 0, False)
    assert found.font.getname() == fonts.font(13).getname()


def test_what_no_font_has_is_counted_and_drawn_as_dots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", tuple)
    fonts._best.cache_clear()
    try:
        found = fonts.drawable("ab 漢字", 13)
        assert (found.text, found.absent) == ("ab \u00b7\u00b7", 2)
        frame = pl.DataFrame({"text": ["漢字", "ok"], "label": ["x", "x"]})
        cards = list(text_picture._card_texts(frame))
        assert cards[0].notes == ["2 characters as dots: no installed font has them"]
        assert cards[1].notes == []
        picture = text_picture.of_round({"real": frame}, title="t")
        assert picture.startswith(b"\x89PNG")
    finally:
        fonts._best.cache_clear()


def test_an_installed_font_takes_over() -> None:
    if not any("DejaVuSans.ttf" in path for path in fonts._installed()):
        pytest.skip("the font DejaVu Sans is not installed")
    found = fonts.drawable("привет שלום", 13)
    assert found.absent == 0
    assert found.font.getname()[0] == "DejaVu Sans"


def test_wide_characters_take_two_places() -> None:
    lines = text_picture._wrapped("漢" * 60)
    assert [len(line) for line in lines] == [26, 26, 8]
    assert "".join(lines) == "漢" * 60
    assert text_picture._wrapped("a " * 40) == ["a " * 25 + "a", "a " * 13 + "a"]
