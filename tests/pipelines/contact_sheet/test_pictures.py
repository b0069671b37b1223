"""Pictures of rounds: what does not print in a text or a label is drawn as marks."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import ImageDraw

from lake.visible import visible
from pipelines.contact_sheet import grid, text_picture
from pipelines.features import images
from tests.lake.test_visible import hidden

RAW = "a\x1b]0;t\x07\u202eb\u200b"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that are drawn while a test draws."""
    words: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def spy(pen: Any, corner: Any, text: str, *args: Any, **options: Any) -> None:
        words.append(text)
        draw(pen, corner, text, *args, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    return words


def test_a_text_is_drawn_with_marks(drawn: list[str]) -> None:
    frame = pl.DataFrame({"text": [f"one {RAW}\ntwo\u2028three"], "label": [RAW]})
    refused = frame.with_columns(reason=pl.lit(RAW))
    text_picture.of_round({"real": frame, "accepted": frame, "refused": refused}, title="t")
    assert not hidden("".join(drawn))
    assert drawn.count(f"one {visible(RAW)}") == drawn.count("two\\u{2028}three") == 3
    assert visible(RAW) in drawn


def test_a_label_beside_an_image_is_drawn_with_marks(drawn: list[str]) -> None:
    file = images.encode(np.zeros((1, 4, 4), np.uint8))[0]
    shown = pl.DataFrame({"image": pl.Series([{"bytes": file, "path": None}], dtype=images.IMAGE)})
    labelled = shown.with_columns(pl.lit(RAW).alias("label"), pl.lit(RAW).alias("reason"))
    grid.round_grid(real=labelled, accepted=labelled, refused=labelled, title="t")
    assert not hidden("".join(drawn), but="\n")
    assert visible(RAW)[:10] + "…" in drawn
