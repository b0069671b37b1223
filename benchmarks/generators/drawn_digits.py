"""A simulator of digits: one of Pillow's own font, turned, sheared and moved, as a scanner sees it.

It knows nothing of the real digits but their form: 8 by 8 values, each the mean of a square of a
larger drawing, white on black.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SOURCE: Final = "digits of Pillow's own font"
LICENCE: Final = "MIT-CMU"
LIBRARIES: Final = ["numpy", "pillow"]
SIDE: Final = 8
LARGE: Final = 64
TURN: Final = 12.0
"""Greatest angle, in degrees."""
SHEAR: Final = 0.25
WEIGHT: Final = (1, 4)
"""Thickness that is added to a stroke, at least and at most, in pixels of the drawing."""


def simulate(seed: int) -> dict[str, Any]:
    """Draw a digit, and say which it is.

    Args:
        seed: of everything that is left to chance.
    """
    draw = np.random.default_rng(seed)
    label = int(draw.integers(10))
    sheet = Image.new("L", (LARGE, LARGE), 0)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(int(draw.integers(54, 70)))
    weight = int(draw.integers(*WEIGHT))
    centre = (LARGE / 2, LARGE / 2)
    pen.text(centre, str(label), 255, font, anchor="mm", stroke_width=weight, stroke_fill=255)
    turned = sheet.rotate(float(draw.uniform(-TURN, TURN)), Image.Resampling.BILINEAR)
    shear = float(draw.uniform(-SHEAR, SHEAR))
    moved = (1, shear, -shear * LARGE / 2, 0, 1, 0)
    slanted = turned.transform(turned.size, Image.Transform.AFFINE, moved)
    soft = slanted.filter(ImageFilter.GaussianBlur(2))
    box = soft.getbbox() or (0, 0, LARGE, LARGE)
    small = soft.crop(box).resize((SIDE, SIDE), Image.Resampling.BOX)
    return {"image": np.asarray(small, dtype=np.uint8), "label": label}
