"""Rows that cost next to nothing to make, and are no near-duplicates of each other.

A row follows from its number alone, so that any shard can be made by itself. Texts have 200
letters and spaces, of words that their label prefers; images are a bright patch, whose place says
the label, under noise of 16 shades.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features import images

CLASSES: Final = 4
"""Labels of the rows, in turn."""
BYTES: Final = 200
"""Length of a text."""
SIDE: Final = 32
"""Height and width of an image, in pixels."""
WORDS: Final = 4_000
"""Words there are; a label prefers a part of its own."""
PER_TEXT: Final = 40
"""Words that are drawn for a text, before it is cut."""
BLOCK: Final = 8_192
"""Rows that are drawn from one seed; a row is the same in whatever shard it is made."""


def texts(rows: range) -> pl.DataFrame:
    """Make texts: text, label."""
    words = _words()
    parts = []
    for draw, numbers in _blocks(rows):
        labels = numbers % CLASSES
        own = draw.integers(0, WORDS // CLASSES, (BLOCK, PER_TEXT))[numbers % BLOCK]
        common = draw.integers(0, WORDS, (BLOCK, PER_TEXT))[numbers % BLOCK]
        prefers = draw.random((BLOCK, PER_TEXT))[numbers % BLOCK] < 0.5  # noqa: PLR2004  half
        drawn = np.where(prefers, own + labels[:, None] * (WORDS // CLASSES), common)
        listed = pl.Series(words[drawn.reshape(-1)]).reshape((len(numbers), PER_TEXT))
        text = listed.arr.to_list().list.join(" ").str.slice(0, BYTES).alias("text")
        parts.append(pl.DataFrame([text, _named(labels)]))
    return pl.concat(parts)


def pictures(rows: range) -> pl.DataFrame:
    """Make grey images: image, label."""
    parts = []
    for draw, numbers in _blocks(rows):
        labels = numbers % CLASSES
        noise = draw.integers(0, 16, (BLOCK, SIDE, SIDE), dtype=np.uint8)[numbers % BLOCK]
        pixels = noise * 6
        half = SIDE // 2
        for label in range(CLASSES):
            top, left = label // 2 * half, label % 2 * half
            pixels[labels == label, top : top + half, left : left + half] += 120
        parts.append(
            pl.DataFrame([images.column(pixels).alias("image"), pl.Series("label", labels)])
        )
    return pl.concat(parts)


KINDS: Final = {"texts": texts, "images": pictures}
"""What makes the rows of each kind."""


def _blocks(rows: range) -> list[tuple[np.random.Generator, NDArray[np.int64]]]:
    """Cut rows at the borders of blocks, each with the generator of its block."""
    starts = range(rows.start // BLOCK * BLOCK, rows.stop, BLOCK)
    return [
        (
            np.random.default_rng([2026, start // BLOCK]),
            np.arange(max(start, rows.start), min(start + BLOCK, rows.stop), dtype=np.int64),
        )
        for start in starts
    ]


def _words() -> NDArray[np.object_]:
    """Make the words, of two to nine letters each."""
    draw = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    return np.array(
        ["".join(draw.choice(letters, size)) for size in draw.integers(2, 10, WORDS)], dtype=object
    )


def _named(labels: NDArray[np.int64]) -> pl.Series:
    names = np.array(["north", "east", "south", "west"], dtype=object)
    return pl.Series("label", names[labels], dtype=pl.String)
