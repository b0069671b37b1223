"""A picture of crafted rounds: some of what each kind made, beside what it was made of."""

from __future__ import annotations

import io
import sys
from contextlib import chdir
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.crafted import kinds
from benchmarks.crafted.digit_bench import world_of
from benchmarks.crafted.kinds import KINDS
from benchmarks.crafted.world import SIDE, Rows

SCALE: Final = 4
GAP: Final = 3
COLUMNS: Final = 12
LEFT: Final = 190
"""Pixels that the names have."""
SHOWN: Final = {
    "real rows": 0.0,
    "contrast": 0.85,
    "adversarial": 1.0,
    "blends": 1.0,
    "copies of training rows, noise": 1.0,
    "copies of training rows, brightness": 1.0,
    "copies of held-out rows, shift": 1.0,
    "class of one row": 0.95,
    "class of a prototype": 0.95,
    "tails cut": 0.7,
    "replacement": 1.0,
}
"""Kinds and the strength that is shown of each."""
PICTURES: Final = {"digits": __name__, "colour": "benchmarks.crafted.added.picture"}
"""The module that draws rounds of a kind of data."""


def write(data: str, place: Path, kept: Path) -> None:
    """Draw crafted rounds of a kind of data into a file.

    Args:
        data: the kind, as `--data` takes it.
        place: the file.
        kept: folder of results, into which what rounds are made of is fetched.
    """
    if data not in PICTURES:
        sys.exit(f"there is no picture of {data}; `--picture` draws {' or '.join(PICTURES)}")
    kept.mkdir(parents=True, exist_ok=True)
    with chdir(kept):
        drawn: bytes = import_module(PICTURES[data]).draw()
    place.write_bytes(drawn)


def draw(seed: int = 0) -> bytes:
    """Draw some rows of each kind, the crafted ones first: a PNG."""
    cell = SIDE * SCALE + GAP
    sheet = Image.new("L", (LEFT + COLUMNS * cell, len(SHOWN) * cell), 255)
    pen = ImageDraw.Draw(sheet)
    for line, (name, strength) in enumerate(SHOWN.items()):
        made = kinds.candidates(KINDS[name], world_of(seed), strength, seed)
        pen.text((2, line * cell + cell // 3), name, fill=0)
        for column, pixels in enumerate(_some(made)):
            tile = Image.fromarray((255 - 255 * pixels.reshape(SIDE, SIDE)).astype(np.uint8))
            place = (LEFT + column * cell, line * cell)
            sheet.paste(tile.resize((SIDE * SCALE, SIDE * SCALE), Image.Resampling.NEAREST), place)
    return _png(sheet)


def _some(made: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Choose rows to show: crafted ones of one class where a class was crafted, else any."""
    crafted = np.flatnonzero(made.crafted)
    rows = crafted if len(crafted) >= COLUMNS else np.arange(len(made.labels))
    return made.pixels[rows[:COLUMNS]]


def _png(sheet: Image.Image) -> bytes:
    kept = io.BytesIO()
    sheet.quantize(16).save(kept, "PNG", optimize=True)
    return kept.getvalue()
