"""Larger images: described for classifiers, embedded by a network, grouped by hash and pixels."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines.common.errors import DataError
from pipelines.features import image_descriptor, image_embedding, images
from pipelines.metrics import Configured, evaluate_round
from pipelines.metrics.shape import Shape
from pipelines.metrics.style import Style
from pipelines.modalities import load
from pipelines.params.sections import Evaluate

SHAPE = (24, 24, 3)


def scenes(count: int, seed: int, shape: tuple[int, ...] = SHAPE) -> pl.DataFrame:
    """Discs and stripes of random colours, at random places."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[: shape[0], : shape[1]]
    pixels = np.empty((count, *shape), dtype=np.uint8)
    for row in range(count):
        paint, ground = draw.integers(0, 256, (2, *shape[2:]))
        middle, width = draw.integers(8, 16, 2), draw.integers(4, 8)
        disc = np.hypot(down - middle[0], across - middle[1]) < width
        stripes = (down + middle[0]) // 4 % 2 == 0
        where = disc if row % 2 else stripes
        pixels[row] = np.where(where.reshape(where.shape + (1,) * len(shape[2:])), paint, ground)
    files = [{"bytes": png, "path": None} for png in images.encode(pixels)]
    labels = [("stripes", "disc")[row % 2] for row in range(count)]
    return pl.DataFrame(
        {"image": pl.Series(files, dtype=images.IMAGE), "label": labels},
    )


def values(frame: pl.DataFrame) -> NDArray[np.float32]:
    return images.to_unit(images.decode(frame["image"]))


def test_small_images_are_their_pixels() -> None:
    grey = np.random.default_rng(0).random((3, 32, 32), dtype=np.float32)
    assert np.array_equal(image_descriptor.described(grey), grey.reshape(3, 1024))
    assert image_descriptor.described(grey[:0]).shape == (0, 1024)


@pytest.mark.parametrize("shape", [(40, 70), (24, 24, 3)])
def test_larger_images_are_described_with_few_numbers(shape: tuple[int, ...]) -> None:
    found = values(scenes(4, 1, shape))
    broken = np.concatenate([found, np.full((1, *shape), np.nan, dtype=np.float32)])
    described = image_descriptor.described(broken)
    assert described.shape == (5, 8 * 8 * 8 + (16 + 8 * 8 if len(shape) == 2 else 64 + 192))
    assert images.finite(described).tolist() == [True] * 4 + [False]
    assert np.array_equal(described[:4], image_descriptor.described(found))


def test_the_network_depends_on_the_training_rows_alone_and_comes_out_the_same() -> None:
    real = scenes(60, 1)
    labels = np.asarray(real["label"].to_list(), dtype=object)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_embedding, "STEPS", 3)
        patch.setattr(image_embedding, "BATCH", 8)
        one, again = (image_embedding.fit(values(real), labels) for _ in range(2))
        other = image_embedding.fit(values(scenes(60, 2)), labels)
        unlabelled = image_embedding.fit(values(real), np.full(60, "", dtype=object))
    assert one.digest == again.digest
    assert len({one.digest, other.digest, unlabelled.digest}) == 3
    points = one.points(values(real))
    assert points.shape == (60, image_embedding.DIMENSIONS)
    assert np.abs(points.mean(axis=0)).max() < 1e-3
    assert np.array_equal(points, again.points(values(real)))
    with pytest.raises(DataError, match="no real image"):
        image_embedding.fit(values(real[:0]), labels[:0])


@pytest.mark.slow
def test_figures_of_larger_images_are_measured_on_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image_embedding, "STEPS", 20)  # a second of training, which is measured
    monkeypatch.setattr(image_embedding, "BATCH", 16)
    real, validation, good = (scenes(60, seed) for seed in (1, 2, 3))
    noise = np.random.default_rng(4).integers(0, 256, (60, *SHAPE), dtype=np.uint8)
    files = [{"bytes": png, "path": None} for png in images.encode(noise)]
    bad = good.with_columns(pl.Series("image", files, dtype=images.IMAGE))
    modality = load("image", ("image",))
    found = {}
    for name, made in {"good": good, "bad": bad}.items():
        frames = {"real": real, "validation": validation, "accepted": made}
        frames |= {"mix": pl.concat([real, made]), "previous": real}
        settings = Evaluate(null_draws=3, bootstrap=5)
        figures = evaluate_round(
            **modality.measured(real, frames),
            settings=settings,
            seed=1,
            metrics=(Configured(Shape()), Configured(Style())),
        )
        found[name] = figures
    assert found["good"].features == found["bad"].features
    assert found["good"].round["recall"].value > 0.5 > found["bad"].round["recall"].value
    assert found["bad"].round["coverage"].value < 0.1
    # Of sixty images with two colours each, the covariance within images is off by a quarter.
    for name, within in {"recall": 0.2, "coverage": 0.2, "variance": 0.3}.items():
        own = found["good"].round[name].value
        assert found["good"].round[f"content_{name}"].value == pytest.approx(own, abs=within)
    assert found["bad"].round["content_recall"].value < 0.5
    assert found["good"].scores["accuracy"]["mix"].value > 0.9
    pixels = load("image", ("image",), {"features": "pixels"})
    measured = pixels.measured(real, {"real": real})["real"]
    assert measured.vectors.shape == (60, 24 * 24 * 3)
    assert not measured.features


def test_retouched_copies_are_near_and_plain_images_are_not() -> None:
    frame = scenes(8, 5)
    first = Image.open(io.BytesIO(frame["image"][1]["bytes"]))
    retouched = [first.point(lambda value: int(value * 0.75 + 30))]
    plain = [Image.new("RGB", (24, 24), colour) for colour in ("red", "green", "blue", "grey")]
    files = images.encode(np.stack([np.asarray(image) for image in (*retouched, *plain)]))
    rows = [{"bytes": png, "path": None} for png in files]
    more = frame[:5].with_columns(pl.Series("image", rows, dtype=images.IMAGE))
    pairs = load("image", ("image",)).pairs(pl.concat([frame, more]), 0.06)
    assert [1, 8] in pairs.tolist()
    assert not [pair for pair in pairs.tolist() if min(pair) > 8]
