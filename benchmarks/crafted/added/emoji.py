"""Emoji in colour: the pictures of two makers in five categories, at 32 by 32 pixels.

They come with two packages of npm (`emoji-datasource-twitter`, CC-BY-4.0, and
`emoji-datasource-google`, Apache-2.0), which `npm pack` fetches once into the folder of results.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from benchmarks.crafted.added.world import LABEL
from pipelines.common import digests
from pipelines.features import images

FOLDER: Final = Path("emoji")
"""Where packages and pictures are kept."""
VERSION: Final = "16.0.0"
PACKAGES: Final = {
    "twitter": "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
    "google": "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
}
"""Makers, and the SHA-256 of their packages."""
CATEGORIES: Final = (
    "Animals & Nature",
    "Flags",
    "Food & Drink",
    "Smileys & Emotion",
    "Symbols",
)
SIDE: Final = 32
LIST: Final = "package/emoji.json"
"""The file of a package that says what its pictures show."""


@cache
def load() -> pl.DataFrame:
    """Load all pictures, `image` and `label`, on white."""
    FOLDER.mkdir(exist_ok=True)
    kept = FOLDER / "pictures.parquet"
    if not kept.exists():
        frame = pl.concat([_pictures(maker) for maker in PACKAGES])
        own = kept.with_suffix(f".{id(frame)}.part")
        frame.unique("image", keep="first", maintain_order=True).write_parquet(own)
        own.replace(kept)
    return pl.read_parquet(kept)


def _pictures(maker: str) -> pl.DataFrame:
    """Read the pictures of a maker."""
    folder = f"package/img/{maker}/64/"
    with tarfile.open(_package(maker)) as package:
        files = {
            item.name: opened.read()
            for item in package
            if item.name.startswith(folder) or item.name == LIST
            if (opened := package.extractfile(item)) is not None
        }
    known = [each for each in json.loads(files[LIST]) if each["category"] in CATEGORIES]
    ours = [each for each in known if each[f"has_img_{maker}"]]
    pixels = [_on_white(files[f"{folder}{each['image']}"]) for each in ours]
    labels = [each["category"] for each in ours]
    return pl.DataFrame({"image": images.column(np.stack(pixels)), LABEL: labels})


def _on_white(png: bytes) -> NDArray[np.uint8]:
    """Lay a picture on white, and make it small: [SIDE, SIDE, 3]."""
    with Image.open(io.BytesIO(png)) as image:
        coloured = image.convert("RGBA")
    white = Image.new("RGBA", coloured.size, "white")
    laid = Image.alpha_composite(white, coloured).convert("RGB")
    return np.asarray(laid.resize((SIDE, SIDE), Image.Resampling.BOX))


def _package(maker: str) -> Path:
    """Fetch the package of a maker, where it is not at hand."""
    name = f"emoji-datasource-{maker}"
    kept = FOLDER / f"{name}-{VERSION}.tgz"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            _fetch(f"{name}@{VERSION}", folder)
            (Path(folder) / kept.name).replace(kept)
    if digests.of_file(kept) != PACKAGES[maker]:
        sys.exit(f"{kept} is not what the benchmark was measured on; delete it")
    return kept


def _fetch(package: str, folder: str) -> None:
    try:
        subprocess.run(["npm", "pack", package], cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"this benchmark needs {package} of npm, and `npm pack` fails: {error}")
