"""A style that all images of a set share is undone by one map of their colours; nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.features import images
from pipelines.features.colour_transfer import GAIN, Colours, Transfer
from pipelines.features.pictures import CHUNK, Pictures

Values = NDArray[np.float32]
PICTURES: Values = np.random.default_rng(3).random((30, 6, 5, 3)).astype(np.float32) * 0.6 + 0.2


def pale(values: Values, kept: float) -> Values:
    grey = values.mean(axis=3, keepdims=True)
    mixed: Values = grey + np.float32(kept) * (values - grey)
    return mixed


def tinted(values: Values) -> Values:
    warm: Values = values * np.asarray([1.0, 0.9, 0.8], dtype=np.float32)
    return warm


STYLES: dict[str, Callable[[Values], Values]] = {
    "brightness": lambda values: 0.85 * values,
    "contrast": lambda values: 0.5 + 0.6 * (values - 0.5),
    "saturation": lambda values: pale(values, 0.4),
    "tint": tinted,
}


def mapped(ours: Values, theirs: Values) -> Values:
    return Transfer.between(Colours.of(ours), Colours.of(theirs))(ours)


@pytest.mark.parametrize("style", STYLES)
def test_a_style_of_all_images_is_undone(style: str) -> None:
    styled = STYLES[style](PICTURES)
    assert np.abs(styled - PICTURES).max() > 0.05
    assert np.abs(mapped(styled, PICTURES) - PICTURES).max() < 1e-5


def test_brightness_of_grey_images_is_undone() -> None:
    grey = PICTURES[..., 0]
    assert np.abs(mapped(np.float32(0.7) * grey, grey) - grey).max() < 1e-5


def test_an_image_that_is_paler_than_the_others_stays_so() -> None:
    mixed = PICTURES.copy()
    mixed[0] = 0.5 + 0.2 * (mixed[0] - 0.5)
    found = mapped(0.85 * mixed, PICTURES)
    assert found[0].std() < 0.3 * found[1:].std()


def test_what_images_lost_between_them_stays_lost() -> None:
    middles = PICTURES.mean(axis=(1, 2), keepdims=True)
    narrow = PICTURES.mean(axis=(0, 1, 2)) + (PICTURES - middles)
    assert np.abs(mapped(narrow.astype(np.float32), PICTURES) - narrow).max() < 1e-5
    plain = np.broadcast_to(middles, PICTURES.shape)
    assert np.abs(mapped(plain, PICTURES) - plain).max() < 1e-5


def test_what_was_flattened_is_not_stretched_without_end() -> None:
    grey = np.repeat(PICTURES.mean(axis=3, keepdims=True), 3, axis=3)
    gains = np.linalg.eigvalsh(
        Transfer.between(Colours.of(grey), Colours.of(PICTURES)).matrix
    ).round(3)
    assert gains.tolist() == [1.0, GAIN, GAIN]
    flat = np.full_like(PICTURES, 0.5)
    assert np.allclose(mapped(flat, PICTURES), PICTURES.mean(axis=(0, 1, 2)), atol=1e-5)
    assert np.allclose(mapped(PICTURES, flat).mean(), 0.5, atol=1e-5)


def test_what_leaves_the_range_of_a_screen_is_cut_off() -> None:
    found = mapped(PICTURES, np.clip(3 * PICTURES - 1, 0, 1))
    assert (found.min(), found.max()) == (0, 1)
    assert found.dtype == np.float32


def test_colours_of_two_parts_are_those_of_the_whole() -> None:
    whole, joined = Colours.of(PICTURES), Colours.of(PICTURES[:7]).joined(Colours.of(PICTURES[7:]))
    assert np.allclose(whole.mean, joined.mean)
    assert np.allclose(whole.covariance, joined.covariance)
    within = [np.cov(image.reshape(-1, 3).T, bias=True) for image in PICTURES]
    assert np.allclose(whole.covariance, np.mean(within, axis=0))
    assert whole.pixels == joined.pixels == 900


def test_pictures_are_embedded_a_block_at_a_time() -> None:
    seen: list[int] = []

    def embed(values: Values) -> Values:
        seen.append(len(values))
        means: Values = values.mean(axis=(1, 2))
        return means

    count = CHUNK + 3
    pixels = np.random.default_rng(4).integers(60, 200, (count, 2, 2, 3), dtype=np.uint8)
    some, others = (
        Pictures(images.column(each), embed) for each in (pixels, pixels + np.uint8(25))
    )
    found = some.points_in_colours_of(others)
    assert seen == [CHUNK, 3]
    assert np.allclose(found, images.to_unit(pixels).mean(axis=(1, 2)) + 25 / 255, atol=1e-4)
    few = some.at(np.arange(5)).points_in_colours_of(others.at(np.arange(5)))
    assert np.allclose(few, found[:5], atol=1e-4)
