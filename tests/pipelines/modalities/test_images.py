"""Images in colour, of any size, with names as labels or without labels, through what uses them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pipelines.common.errors import DataError, GeneratorError, ParamsError
from pipelines.contact_sheet import grid
from pipelines.features import images
from pipelines.features.images import ImageError
from pipelines.generators import making
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.registry import GENERATORS
from pipelines.modalities import load
from pipelines.scorers import scoring
from pipelines.scorers.protocol import Given
from pipelines.verification.calibrations import planting

NAMES = ("red pandas", "blue jays")


def colourful(count: int = 24, *, labels: bool = True, seed: int = 0) -> pl.DataFrame:
    """Colour images of 6 by 7: red ones and blue ones."""
    draw = np.random.default_rng(seed)
    which = np.arange(count) % 2
    pixels = draw.integers(0, 60, (count, 6, 7, 3), dtype=np.uint8)
    pixels[which == 0, ..., 0] += 180
    pixels[which == 1, ..., 2] += 180
    rows = {
        "round": pl.Series([0] * count, dtype=pl.Int32),
        "row": pl.Series(range(count), dtype=pl.Int64),
        "image": pl.Series(
            [{"bytes": png, "path": None} for png in images.encode(pixels)], dtype=images.IMAGE
        ),
    }
    return pl.DataFrame(rows | ({"label": [NAMES[each] for each in which]} if labels else {}))


def test_names_and_images_without_labels_are_typed() -> None:
    modality = load("image", ("image",))
    for frame in (colourful(), colourful(labels=False)):
        typed = modality.typed("x", frame)
        assert typed.equals(frame)
        assert modality.columns(typed) == frame.columns[2:]
        measured = modality.measured(typed, {"real": typed})["real"]
        assert measured.vectors.shape == (24, 6 * 7 * 3)
        assert measured.labels.tolist() == (
            frame["label"].to_list() if "label" in frame.columns else [""] * 24
        )


def test_a_size_is_one_setting_however_it_is_written() -> None:
    frame = colourful(4)
    squares = [
        load("image", ("image",), {"size": size, "fit": "pad"}).typed("x", frame)
        for size in (8, [8, 8])
    ]
    assert squares[0].equals(squares[1])
    assert images.decode(squares[0]["image"]).shape == (4, 8, 8, 3)
    for wrong, message in (
        ({"size": 0}, "size: is 0 by 0"),
        ({"size": [4000, 4000]}, "4,194,304 pixels"),
        ({"fit": "squeeze"}, "fit"),
        ({"ground": "#ff"}, "ground: is no colour"),
    ):
        with pytest.raises(ParamsError, match=message):
            load("image", ("image",), wrong)


def test_images_of_two_sizes_are_refused_with_the_source() -> None:
    small = io.BytesIO()
    Image.new("L", (2, 3)).save(small, "PNG")
    row = pl.DataFrame({"image": [{"bytes": small.getvalue(), "path": "a.png"}]})
    two = pl.concat([colourful(1).select("image"), row.cast({"image": images.IMAGE})])
    with pytest.raises(ImageError, match=r"^mine: the images have 2 sizes"):
        load("image", ("image",)).typed("mine", two)


def test_an_image_in_grey_is_no_readable_candidate_among_colour() -> None:
    real = colourful(2)
    grey = images.encode(np.zeros((1, 6, 7), dtype=np.uint8))[0]
    rows = real.with_columns(
        pl.Series("image", [{"bytes": grey, "path": None}, real["image"][1]], dtype=images.IMAGE)
    )
    assert load("image", ("image",)).readable(rows, real).to_list() == [False, True]


def test_scorers_of_images_take_colour_and_names() -> None:
    real, rows = colourful(40, seed=1), colourful(6, seed=2)
    rows = rows.with_columns(pl.Series("image", [None, *rows["image"][1:]], dtype=images.IMAGE))
    scorers: dict[str, dict[str, Any]] = {"agreement": {}, "distance": {}, "image_duplicates": {}}
    scores = scoring.score_all(scorers, rows, Given(real, seed=3))
    assert scores["predicted_label"].to_list() == [None, *rows["label"][1:]]
    assert scores["real_distance"].is_null().to_list() == [True] + [False] * 5
    again = scoring.score_real(scorers, ["predicted_label"], Given(real, seed=3))
    assert (again["predicted_label"] == real["label"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("labels", [pytest.param(True, marks=pytest.mark.slow), False])
def test_the_generator_makes_colour_with_names_and_without_labels(
    labels: bool, tmp_path: Path
) -> None:
    generator = GENERATORS.load("diffusion")
    samples = colourful(60, labels=labels).with_columns(pl.lit(1.0).alias("weight"))
    fit = DiffusionFit(channels=(8, 16), steps=90, batch=16, reference_rows=60, device="cpu")
    generator.fit(samples, fit, 3, tmp_path)
    settings = DiffusionGenerate(steps=6, device="cpu", guidance=1.5)
    request = GenerateRequest("birds", 1, 7, ("image",), 8, 3, settings, tmp_path)
    made = making.make(generator, request).candidates
    pixels = images.decode(made["image"]).astype(float)
    assert pixels.shape == (8, 6, 7, 3)
    redder = pixels[..., 0].mean(axis=(1, 2)) > pixels[..., 2].mean(axis=(1, 2))
    if labels:
        assert made["label"].value_counts().sort("label")["count"].to_list() == [4, 4]
        assert redder.tolist() == (made["label"] == NAMES[0]).to_list()
    else:
        assert "label" not in made.columns
        assert redder.any()
        assert not redder.all()


def test_the_generator_refuses_labels_that_it_does_not_know(tmp_path: Path) -> None:
    from pipelines.generators.diffusion import model  # noqa: PLC0415  imports torch

    pixels = np.zeros((4, 4, 4, 3), dtype=np.uint8)
    tiny = DiffusionFit(channels=(8,), steps=1, batch=2, reference_rows=4)
    names = np.array(["a", "b", "a", "b"], dtype=object)
    model.fit(pixels, names, np.ones(4), tiny, 1, tmp_path)
    few = DiffusionGenerate(steps=1)
    with pytest.raises(GeneratorError, match="knows no class c; it was fitted on a, b"):
        model.generate(tmp_path, np.array(["c"], dtype=object), few, 1)
    with pytest.raises(GeneratorError, match="images without one are asked for"):
        model.generate(tmp_path, 2, few, 1)
    model.fit(pixels, None, np.ones(4), tiny, 1, tmp_path)
    with pytest.raises(GeneratorError, match="labels are asked for"):
        model.generate(tmp_path, names, few, 1)


@pytest.mark.parametrize("labels", [True, False])
def test_the_grid_shows_colour(labels: bool) -> None:
    frame = colourful(6, labels=labels)
    refused = frame.with_columns(pl.lit("not a copy").alias("reason"))
    shown = grid.round_grid(real=frame, accepted=frame.clear(), refused=refused, title="birds")
    with Image.open(io.BytesIO(shown)) as picture:
        drawn = {tuple(colour) for colour in np.asarray(picture).reshape(-1, 3).tolist()}
    wanted = images.decode(frame["image"]).reshape(-1, 3).tolist()
    assert {tuple(colour) for colour in wanted} <= drawn


def test_errors_are_planted_into_colour() -> None:
    planted = planting.plant(colourful(60), colourful(60, seed=9), rows=30, seed=1)
    assert set(planted["kind"].drop_nulls()) == set(planting.KINDS)
    assert images.decode(planted["image"]).shape[1:] == (6, 7, 3)
    blank = images.decode(planted.filter(pl.col("kind") == "blank")["image"])
    assert (blank == blank[:, :1, :1]).all()
    wrong = planted.filter(pl.col("kind") == planting.MISLABELLED)
    red = images.decode(wrong["image"])[..., 0].mean(axis=(1, 2)) > 100
    assert ((wrong["label"] == NAMES[0]).to_numpy() != red).all()


def test_an_image_that_is_missing_is_a_sentence() -> None:
    frame = colourful(3).with_columns(
        pl.Series("image", [None, *colourful(2)["image"]], dtype=images.IMAGE)
    )
    with pytest.raises(DataError, match="x: 1 of 3 images cannot be used: row 0 is missing"):
        load("image", ("image",)).typed("x", frame)
