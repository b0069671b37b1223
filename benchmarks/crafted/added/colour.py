"""Crafted rounds of images in colour that a network measures: emoji, 32 by 32 pixels.

They stand for images of more than 1,024 values, whose shape is measured by what a network has
learnt, whose labels are judged by oriented gradients, and whose copies are told by smaller images.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from benchmarks.crafted import distortions, harm
from benchmarks.crafted.added import emoji, stages
from benchmarks.crafted.added.craft import Craft, Numbers, Strong
from benchmarks.crafted.added.world import LABEL, AddedWorld
from benchmarks.crafted.shipped import Shipped
from pipelines.features import image_classifier, image_descriptor, images
from pipelines.project.detection import Choice

SHIFT: Final = 2
"""Pixels by which a copy is moved."""
NOISE: Final = 0.065
"""RMS of the noise of a copy."""
LITTLE: Final = 0.03
FOREIGN: Final = (0.15, 0.25, 0.35, 0.45)
"""Shares of another image that are mixed in, at most, to fool the judge."""
TREES: Final = 60
CELL: Final = {"network": 4, "forest": 2}
"""Side of the squares of pixels that models of harm see the mean of."""

Pixels = NDArray[np.float32]


def load(seed: int) -> pl.DataFrame:  # noqa: ARG001  the same images for each seed
    """Load the emoji."""
    return emoji.load()


def pixels_of(rows: pl.DataFrame) -> Pixels:
    """Read the images of rows, [n, h, w, 3] in [0, 1]."""
    return images.to_unit(images.decode(rows["image"]))


def with_pixels(rows: pl.DataFrame, pixels: NDArray[Any]) -> pl.DataFrame:
    """Put images in place of those of rows."""
    clipped = np.clip(pixels, 0, 1).astype(np.float32)
    return rows.with_columns(images.encode_lenient(clipped).alias("image"))


def _points(rows: pl.DataFrame, real: pl.DataFrame) -> Numbers:  # noqa: ARG001  nothing is fitted
    return image_descriptor.described(pixels_of(rows)).astype(np.float64)


def _noisy(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    rms: float,
    draw: Generator,
) -> pl.DataFrame:
    pixels = pixels_of(rows)
    flat = distortions.noise(pixels.reshape(len(pixels), -1), rms, draw)
    return with_pixels(rows, flat.reshape(pixels.shape))


def _vary(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    return _noisy(world, rows, LITTLE, draw)


def _noise_copy(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    return _noisy(world, rows, NOISE, draw)


def _shift_copy(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    draw: Generator,
) -> pl.DataFrame:
    return with_pixels(rows, distortions.shifted(pixels_of(rows), draw, SHIFT, "edge"))


def _bright_copy(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    draw: Generator,
) -> pl.DataFrame:
    return with_pixels(rows, pixels_of(rows) * draw.uniform(0.7, 0.8, (len(rows), 1, 1, 1)))


def _saturated(pixels: Pixels, factor: float) -> Pixels:
    """Scale the distance of each pixel from grey of the same brightness."""
    grey = pixels.mean(axis=3, keepdims=True)
    found: Pixels = grey + np.float32(factor) * (pixels - grey)
    return found


def _tinted(pixels: Pixels, factor: float) -> Pixels:
    """Scale blue by a factor and green by half as much, as warmer light does."""
    found: Pixels = pixels * np.asarray([1, (1 + factor) / 2, factor], dtype=np.float32)
    return found


def _blurred(pixels: Pixels, sigma: float) -> Pixels:
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415  slow to import

    found: Pixels = gaussian_filter(pixels, (0, sigma, sigma, 0), mode="nearest")
    return found


def _compressed(pixels: Pixels, quality: float) -> Pixels:
    """Compress each image as JPEG of a quality, 1 to 95, and read it again."""
    return np.stack([_through_jpeg(each, int(quality)) for each in images.to_bytes(pixels)])


def _through_jpeg(image: NDArray[np.uint8], quality: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    with Image.open(file) as read:
        return images.to_unit(np.asarray(read.convert("RGB")))


def _styled(
    change: Callable[[Pixels, float], Pixels],
    strengths: tuple[float, ...] = (0.95, 0.9, 0.85),
    about: str = "factor",
) -> Strong:
    def styled(
        world: AddedWorld,  # noqa: ARG001  as the others
        rows: pl.DataFrame,
        factor: float,
        draw: Generator,  # noqa: ARG001
    ) -> pl.DataFrame:
        return with_pixels(rows, change(pixels_of(rows), factor))

    return Strong(styled, strengths, about)


def _blend(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    others: pl.DataFrame,
    draw: Generator,
) -> pl.DataFrame:
    share = draw.uniform(0.5, 0.6, (len(rows), 1, 1, 1))
    return with_pixels(rows, share * pixels_of(rows) + (1 - share) * pixels_of(others))


def _prototype(world: AddedWorld, rows: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG001
    """Take the mean of the images of a class."""
    return with_pixels(rows[:1], pixels_of(rows).mean(axis=0, keepdims=True))


def _fool(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    """Mix as little of another image in as makes the judge see another class than a row is of."""
    known = image_descriptor.described(pixels_of(world.real))
    judge = image_classifier.train(known, world.real[LABEL].to_numpy(), calibrate=False)
    pixels, labels = pixels_of(rows), rows[LABEL].to_numpy()
    foreign = pixels_of(world.real[draw.integers(len(world.real), size=len(rows))])
    made, said = pixels.copy(), labels.copy()
    for share in FOREIGN:
        going = said == labels
        made[going] = (1 - share) * pixels[going] + share * foreign[going]
        said[going] = judge.labels(image_descriptor.described(made[going]))
    fooled = said != labels
    found = with_pixels(rows.filter(fooled), made[fooled])
    return found.with_columns(pl.Series(LABEL, said[fooled], dtype=rows.schema[LABEL]))


def _loosen(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    draw: Generator,
) -> pl.DataFrame:
    """Shuffle each quarter of the images by itself, over all rows of all classes."""
    pixels = pixels_of(rows)
    down, right = pixels.shape[1] // 2, pixels.shape[2] // 2
    for part in (np.s_[:, :down, right:], np.s_[:, down:, :right], np.s_[:, down:, right:]):
        pixels[part] = pixels[draw.permutation(len(pixels))][part]
    return with_pixels(rows, pixels)


def _small(rows: pl.DataFrame, cell: int) -> Pixels:
    """Means of squares of pixels, [n, h, w, 3]."""
    pixels = pixels_of(rows)
    count, height, width, channels = pixels.shape
    cells = (count, height // cell, cell, width // cell, cell, channels)
    means: Pixels = pixels.reshape(cells).mean(axis=(2, 4))
    return means


def _network(rows: pl.DataFrame, labels: NDArray[Any], seed: int) -> Callable[[pl.DataFrame], Any]:
    def seen(given: pl.DataFrame) -> Numbers:
        return harm.edges(_small(given, CELL["network"]))

    model = harm.network(seen(rows), labels, seed)
    return lambda test: model.predict(seen(test))


def _forest(rows: pl.DataFrame, labels: NDArray[Any], seed: int) -> Callable[[pl.DataFrame], Any]:
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415  slow to import

    def seen(given: pl.DataFrame) -> Pixels:
        small = _small(given, CELL["forest"])
        return small.reshape(len(small), -1)

    model = ExtraTreesClassifier(TREES, random_state=seed, n_jobs=1).fit(seen(rows), labels)
    return lambda test: model.predict(seen(test))


CRAFT: Final = Craft(
    name="colour",
    choice=Choice(modality="image", label=LABEL, keep=()),
    load=load,
    points=_points,
    vary=_vary,
    copies={"noise": _noise_copy, "shift": _shift_copy, "brightness": _bright_copy},
    noise=Strong(_noisy, (0.01, 0.02, 0.03), "RMS noise"),
    styles={
        "contrast": _styled(distortions.contrast),
        "brightness": _styled(distortions.brightness),
        "saturation": _styled(_saturated, (0.9, 0.8, 0.7)),
        "tint": _styled(_tinted),
        "blur": _styled(_blurred, (0.3, 0.5, 0.7), "pixels of standard deviation"),
        "JPEG": _styled(_compressed, (90, 75, 50), "quality"),
    },
    shipped={
        "diffusion": Shipped("diffusion", (4000,), "steps of training", fit=("steps",)),
        "augment": Shipped(
            "augment", (0.85, 0.95), "least part of a side", generate=("image", "crop")
        ),
        "interpolation": Shipped(
            "interpolation", (0.25, 0.4), "least share of either parent", generate=("least_share",)
        ),
    },
    blend=_blend,
    prototype=_prototype,
    fool=_fool,
    loosen=_loosen,
    families={"network": _network, "forest": _forest},
)
BENCH: Final = stages.of_craft(CRAFT)
