"""Emoji as two makers draw them: their pictures, what they are called, and in which category.

Each maker's pictures come with a package of npm; both list the same emoji.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from experiments import packages
from experiments.packages import Package

VERSION: Final = "16.0.0"
PACKAGES: Final = {
    maker: Package("npm", f"emoji-datasource-{maker}", VERSION, licence, sha256)
    for maker, licence, sha256 in (
        (
            "twitter",
            "pictures CC-BY-4.0",
            "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
        ),
        (
            "google",
            "pictures Apache-2.0",
            "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
        ),
    )
}
LIST: Final = "emoji.json"
"""The file of a package that says what its pictures show."""
LEFT_OUT: Final = "Component"
"""The category of five tones of skin."""
SIDE: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Emoji:
    """Emoji by one maker, in an order that all makers share."""

    pixels: NDArray[np.float32]
    """Pictures on white, [n, SIDE, SIDE, 3] in [0, 1]."""
    names: tuple[str, ...]
    categories: NDArray[np.int64]
    """Number of the category, [n]."""
    groups: NDArray[np.int64]
    """Number of the group within categories, as `cat-face`, [n]."""


@cache
def load(maker: str) -> Emoji:
    """Load the emoji that every maker draws."""
    folder = f"img/{maker}/64/"
    files = packages.read(PACKAGES[maker], lambda name: name == LIST or name.startswith(folder))
    listed = [
        each
        for each in json.loads(files[LIST])
        if each["category"] != LEFT_OUT and all(each[f"has_img_{own}"] for own in PACKAGES)
    ]
    pixels = [_on_white(files[f"{folder}{each['image']}"]) for each in listed]
    names = tuple(str(each["name"] or each["short_name"]).lower() for each in listed)
    numbers = [
        np.unique([each[key] for each in listed], return_inverse=True)[1].astype(np.int64)
        for key in ("category", "subcategory")
    ]
    return Emoji(np.stack(pixels), names, *numbers)


def _on_white(png: bytes) -> NDArray[np.float32]:
    """Lay a picture on white, and make it small: [SIDE, SIDE, 3] in [0, 1]."""
    with Image.open(io.BytesIO(png)) as image:
        coloured = image.convert("RGBA")
    white = Image.new("RGBA", coloured.size, "white")
    laid = Image.alpha_composite(white, coloured).convert("RGB")
    small = laid.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / np.float32(255)
