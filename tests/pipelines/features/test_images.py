from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines.contact_sheet import grid
from pipelines.features import images
from pipelines.features.images import ImageError

Pixels = NDArray[np.uint8]


@pytest.fixture
def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (5, 6, 4), dtype=np.uint8)


def column(files: Sequence[bytes | None]) -> pl.Series:
    rows = [None if data is None else {"bytes": data, "path": None} for data in files]
    return pl.Series("image", rows, dtype=images.IMAGE)


def file(mode: str, size: tuple[int, int] = (4, 6), form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, format=form)
    return buffer.getvalue()


def test_pixels_survive_the_file(pixels: Pixels) -> None:
    files = images.encode(pixels)
    assert np.array_equal(images.decode(column(files)), pixels)
    with Image.open(io.BytesIO(files[0])) as first:
        assert (first.format, first.mode, first.size) == ("PNG", "L", (4, 6))


def test_vectors_are_flat_and_in_the_unit_interval(pixels: Pixels) -> None:
    pixels[0, 0, 0], pixels[0, 0, 1] = 0, 255
    vectors = images.vectors(column(images.encode(pixels)))
    assert vectors.shape == (5, 24)
    assert vectors.dtype == np.float32
    assert vectors[0, 0] == 0
    assert vectors[0, 1] == 1
    assert np.array_equal(images.to_bytes(vectors), pixels.reshape(5, 24))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "position 2 is missing"),
        (b"", "position 2 cannot be decoded"),
        (b"no image", "position 2 cannot be decoded"),
        (file("RGB"), "position 2 has mode RGB"),
        (file("L", (5, 6)), r"position 2 has shape \(6, 5\); the others have \(6, 4\)"),
        (file("L", form="GIF"), "position 2 cannot be decoded"),
        (file("1", (5000, 5000)), "position 2 has 25000000 pixels; the limit"),
    ],
)
def test_bad_image_is_named_or_nan(pixels: Pixels, bad: bytes | None, message: str) -> None:
    files = images.encode(pixels)
    files[2] = bad
    with pytest.raises(ImageError, match=message):
        images.decode(column(files))
    values = images.decode_lenient(column(files))
    assert np.isnan(values[2]).all()
    assert np.array_equal(images.to_bytes(np.delete(values, 2, 0)), np.delete(pixels, 2, 0))


def test_truncated_file_is_refused() -> None:
    big = np.random.default_rng(0).integers(0, 256, (1, 64, 64), dtype=np.uint8)
    half = images.encode(big)[0][:2000]
    with pytest.raises(ImageError, match="position 0 cannot be decoded"):
        images.decode(column([half]))


def test_decompression_bomb_is_not_decompressed() -> None:
    bomb = bytearray(file("L"))
    bomb[16:24] = (60000).to_bytes(4, "big") * 2
    with pytest.raises(ImageError, match="position 0"):
        images.decode(column([bytes(bomb)]))


def test_no_images() -> None:
    nothing = column([])
    assert images.decode(nothing).shape == (0, 0, 0)
    assert images.vectors(nothing).shape == (0, 0)
    assert images.decode_lenient(column([None]), (6, 4)).shape == (1, 6, 4)


def test_generated_images_with_nan_become_null() -> None:
    values = np.full((3, 2, 2), 0.5, dtype=np.float32)
    values[1, 0, 1] = np.nan
    encoded = images.encode_lenient(values)
    assert encoded.is_null().to_list() == [False, True, False]
    assert images.decode(encoded.drop_nulls()).tolist() == [[[128, 128]] * 2] * 2


def test_encode_refuses_other_arrays() -> None:
    with pytest.raises(ImageError, match="float64"):
        images.encode(np.zeros((2, 2, 2)))


def test_grid_shows_each_class_and_reason(pixels: Pixels) -> None:
    frame = pl.DataFrame({"image": column(images.encode(pixels)), "label": [0, 0, 1, 2, 2]})
    refused = frame.with_columns(pl.lit("label agrees").alias("reason"))
    one = grid.round_grid(real=frame, accepted=frame, refused=refused, title="digits, round 1")
    with Image.open(io.BytesIO(one)) as shown:
        picture = np.asarray(shown)
    colours = {tuple(colour) for colour in picture.reshape(-1, 3)}
    assert set(grid.FRAME.values()) <= colours
    assert {int(shade) for shade in pixels[0].ravel()} <= {red for red, *_ in colours}


def test_grid_of_nothing_accepted_and_a_missing_image(pixels: Pixels) -> None:
    real = pl.DataFrame({"image": column(images.encode(pixels)), "label": [0, 1, 2, 3, 4]})
    missing = pl.DataFrame({"image": column([None]), "label": [1], "reason": ["image is there"]})
    shown = grid.round_grid(real=real, accepted=real.clear(), refused=missing, title="none")
    assert shown.startswith(b"\x89PNG")
    again = grid.round_grid(real=real, accepted=real.clear(), refused=missing, title="none")
    assert shown == again
