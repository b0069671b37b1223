"""A picture of crafted rounds in colour, some also in the colours of the real rows."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.crafted.added import kinds
from benchmarks.crafted.added.colour import CRAFT, Pixels, pixels_of
from benchmarks.crafted.added.stages import world_of
from benchmarks.crafted.added.world import AddedWorld
from pipelines.features import images
from pipelines.features.colour_transfer import Colours, Transfer

SIDE: Final = 32
GAP: Final = 3
COLUMNS: Final = 14
LEFT: Final = 190
"""Pixels that the names have."""
SHOWN: Final = {
    "real rows": 0.0,
    "brightness": 0.85,
    "saturation": 0.7,
    "tint": 0.85,
    "blends": 1.0,
    "loosened": 1.0,
    "class of a prototype": 0.95,
}
"""Kinds and the strength that is shown of each."""
AGAIN: Final = ("brightness", "saturation", "tint", "class of a prototype")
"""Kinds that are shown in the colours of the real rows too."""


def draw(world: AddedWorld | None = None) -> bytes:
    """Draw some rows of each kind, the crafted ones first: a PNG; None: of split 0."""
    shown = lines(world or world_of(CRAFT, 0))
    cell = SIDE + GAP
    sheet = Image.new("RGB", (LEFT + COLUMNS * cell, len(shown) * cell), "white")
    pen = ImageDraw.Draw(sheet)
    for line, (name, pixels) in enumerate(shown.items()):
        pen.text((2, line * cell + cell // 3), name, fill="black")
        for column, image in enumerate(images.to_bytes(pixels)):
            sheet.paste(Image.fromarray(image), (LEFT + column * cell, line * cell))
    kept = io.BytesIO()
    sheet.quantize(128).save(kept, "PNG", optimize=True)
    return kept.getvalue()


def lines(world: AddedWorld) -> dict[str, Pixels]:
    """Images by name, `COLUMNS` of each, as they were made and in the colours of real rows."""
    of_craft, real = kinds.of_craft(world.craft), Colours.of(pixels_of(world.real))
    found: dict[str, Pixels] = {}
    for name, strength in SHOWN.items():
        made = kinds.candidates(of_craft[name], world, strength)
        pixels, crafted = pixels_of(made.rows), np.flatnonzero(made.crafted)
        rows = crafted if len(crafted) >= COLUMNS else np.arange(len(pixels))
        found[name] = pixels[rows[:COLUMNS]]
        if name in AGAIN:
            recoloured = Transfer.between(Colours.of(pixels), real)
            found[f"  {name}, recoloured"] = recoloured(found[name])
    return found
