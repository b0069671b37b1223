"""Images of any kind are brought into one form, and those that have it keep their bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image, ImageCms

from lineage import decoded_images
from pipelines.features import image_conversion, image_forms, images
from pipelines.features.image_conversion import Form
from pipelines.features.images import ImageError

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
"""A grey image of three rows and four columns in which no two pixels are equal."""
TURNED = {
    1: RAMP,
    2: RAMP[:, ::-1],
    3: RAMP[::-1, ::-1],
    4: RAMP[::-1],
    5: RAMP.T,
    6: np.rot90(RAMP, -1),
    7: RAMP[::-1, ::-1].T,
    8: np.rot90(RAMP),
}
"""What a viewer shows of the ramp by its EXIF orientation."""


def file(image: Image.Image, form: str = "PNG", **settings: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def column(files: Sequence[bytes | None], paths: Sequence[str | None] = ()) -> pl.Series:
    paths = paths or [None] * len(files)
    rows = [
        None if data is None else {"bytes": data, "path": path}
        for data, path in zip(files, paths, strict=True)
    ]
    return pl.Series("image", rows, dtype=images.IMAGE)


def shown(data: bytes, form: Form | None = None) -> Any:
    """Pixels of the normal form of one file."""
    return images.decode(image_forms.bring(column([data]), form or Form()).images)[0]


def grey(values: Any = RAMP) -> Image.Image:
    return Image.fromarray(np.asarray(values, dtype=np.uint8))


def test_what_has_the_form_keeps_its_bytes() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    for one in (grey(), Image.fromarray(colour)):
        for form in ("PNG", "JPEG", "BMP", "WEBP"):
            data = file(one, form)
            if form == "WEBP" and one.mode == "L":
                continue  # it stores grey as colour
            formed = image_forms.bring(column([data], ["a"]), Form())
            assert formed.images.to_list() == [{"bytes": data, "path": "a"}]
            assert (formed.changed, formed.resized) == (0, 0)


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
def test_orientation_is_applied(orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[image_conversion.ORIENTATION] = orientation
    big = grey(np.kron(RAMP, np.ones((8, 8))))  # blocks survive JPEG
    found = shown(file(big, form, exif=exif, **({"quality": 95} if form == "JPEG" else {})))
    wanted = np.kron(TURNED[orientation], np.ones((8, 8)))
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).max() <= (6 if form == "JPEG" else 0)


def test_alpha_is_laid_on_the_ground() -> None:
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0] = [[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51]]
    data = file(Image.fromarray(rgba))
    assert shown(data).tolist() == [[[255, 0, 0], [255, 255, 255], [204, 204, 204]]]
    blue = shown(data, Form(ground=(0, 0, 255)))
    assert blue.tolist() == [[[255, 0, 0], [0, 0, 255], [0, 0, 204]]]


def test_grey_with_a_transparent_shade_is_one_picture_with_grey_on_the_ground() -> None:
    plain, keyed = file(grey()), file(grey(), transparency=40)
    wanted = RAMP.copy()
    wanted[RAMP == 40] = 255
    assert np.array_equal(shown(keyed), wanted)
    assert np.array_equal(shown(plain), RAMP)
    unused = image_forms.bring(column([file(grey(), transparency=41), plain]), Form()).images
    assert np.array_equal(*images.decode(unused))
    assert shown(keyed, Form(ground=(1, 2, 3))).shape == (3, 4, 3)


def test_palettes_become_what_they_show() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    assert shown(file(palette)).tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert shown(file(palette, transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert shown(file(palette, "GIF")).tolist() == [[[255, 0, 0], [0, 0, 255]]]
    palette.putpalette([7, 7, 7, 9, 9, 9])
    assert shown(file(palette)).tolist() == [[7, 9]]


def test_sixteen_bits_become_eight() -> None:
    wide = Image.fromarray(RAMP.astype(np.uint16) * 257)
    for form in ("PNG", "TIFF"):
        assert np.array_equal(shown(file(wide, form)), RAMP)
    keyed = shown(file(wide, transparency=40 * 257))
    assert np.array_equal(keyed, np.where(RAMP == 40, 255, RAMP))


def test_white_is_where_sixteen_bits_end_and_what_is_lost_is_said() -> None:
    values = np.array([[0, 16, 4080, 4095, 5000]], dtype=np.uint16)
    dim = file(Image.fromarray(values), "TIFF")
    assert shown(dim).tolist() == [[0, 0, 15, 15, 19]]
    assert shown(dim, Form(white=4095)).tolist() == [[0, 1, 255, 255, 255]]
    plain = image_forms.bring(column([dim, dim]), Form())
    stored, lost = image_forms.account(plain, 65_535)
    assert stored == "2 of 2 images are stored anew as PNG, 0 of them in another size"
    assert lost == (
        "2 images have 16 bits, of which 8 are kept; the brightest grey, 5,000, becomes 19 of 255: "
        "set ingest.white to 8191 to keep more shades"
    )
    cut = image_forms.bring(column([dim]), Form(white=4095))
    assert list(image_forms.account(cut, 4095))[1].endswith(
        "5,000, becomes 255 of 255, as all that is above ingest.white (4,095)"
    )
    assert list(image_forms.account(image_forms.bring(column([file(grey())]), Form()), 255)) == []


def test_other_modes() -> None:
    assert shown(file(Image.new("1", (2, 2), 1))).tolist() == [[255, 255], [255, 255]]
    assert shown(file(Image.new("LA", (1, 1), (10, 0)))).tolist() == [[255]]
    cmyk = shown(file(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert cmyk.shape == (8, 8, 3)
    assert np.abs(cmyk.astype(int) - [255, 0, 0]).max() <= 3


def test_grey_becomes_colour_beside_colour_only() -> None:
    red = file(Image.new("RGB", (4, 3), (255, 0, 0)))
    formed = image_forms.bring(column([file(grey()), red]), Form())
    pixels = images.decode(formed.images)
    assert np.array_equal(pixels[0], np.repeat(RAMP[:, :, None], 3, axis=2))
    assert formed.changed == 1
    assert formed.images[1]["bytes"] == red


@pytest.mark.parametrize(
    ("fit", "wanted"),
    [
        ("crop", [[10, 200], [10, 200]]),
        ("stretch", [[10, 200], [10, 200]]),
        ("pad", [[255, 255], [105, 105]]),
    ],
)
def test_sizes(fit: Any, wanted: list[list[int]]) -> None:
    wide = np.repeat([[10] * 4 + [200] * 4], 4, axis=0)
    found = shown(file(grey(wide)), Form((2, 2), fit))
    if fit == "pad":
        assert found.shape == (2, 2)
        assert 255 in found
        assert shown(file(grey(wide)), Form((8, 8), fit))[4].tolist() == wide[0].tolist()
    else:
        assert np.abs(found.astype(int) - wanted).max() <= 20  # bicubic reaches over the edge


def test_padding_has_the_ground() -> None:
    padded = shown(file(Image.new("L", (4, 2), 0)), Form((4, 4), "pad", (9, 8, 7)))
    assert padded[0].tolist() == [[9, 8, 7]] * 4
    assert padded[1].tolist() == [[0, 0, 0]] * 4


def test_sizes_that_differ_name_the_sizes_and_the_remedy() -> None:
    files = [file(Image.new("L", size)) for size in ((4, 3), (4, 3), (5, 6))]
    with pytest.raises(
        ImageError, match=r"2 sizes.* 4x3 \(2\), 5x6 \(1\); set one .*size: \[3, 4\]"
    ):
        image_forms.bring(column(files), Form())


def test_all_broken_images_are_named_at_once() -> None:
    whole = file(grey(np.random.default_rng(0).integers(0, 256, (40, 40))))
    frames = [Image.new("L", (2, 2), shade) for shade in (0, 255)]
    animated = file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    deep = file(Image.new("I", (2, 2)), "TIFF")
    files = [whole, whole[:90], b"", None, b"some text", animated, deep]
    paths = ["a/whole", "a/cut.png", "a/empty.png", None, "b/text.png", "b/two.gif", "b/deep.tif"]
    with pytest.raises(ImageError) as raised:
        image_forms.bring(column(files, paths), Form((2, 2)))
    message = str(raised.value)
    assert message.startswith("6 of 7 images cannot be used: 'a/cut.png' cannot be decoded; ")
    for part in ("'a/empty.png' cannot", "row 3 is missing", "'b/text.png' cannot"):
        assert part in message
    assert "'b/two.gif' holds 2 pictures; keep one" in message
    assert "'b/deep.tif' has values of 32 bits" in message


def test_a_large_source_is_read_only_to_be_made_smaller() -> None:
    large = file(Image.new("L", (3000, 2000)), "PNG")
    with pytest.raises(ImageError, match="row 0 has 6000000 pixels; the limit is"):
        image_forms.bring(column([large]), Form())
    assert shown(large, Form((8, 8))).shape == (8, 8)
    with pytest.raises(ImageError, match=r"30 images in .* would be 180,000,000 pixels"):
        image_forms.bring(column([large] * 30), Form((8, 8)))


def test_metadata_of_a_changed_file_is_not_stored() -> None:
    exif = Image.Exif()
    exif[image_conversion.ORIENTATION] = 3
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = file(grey(), exif=exif, icc_profile=profile)
    stored = image_forms.bring(column([data]), Form()).images[0]["bytes"]
    assert b"iCCP" not in stored
    assert b"eXIf" not in stored


def test_colours() -> None:
    assert image_conversion.colour("#ff8000") == (255, 128, 0)
    for wrong in ("no colour", "#ff800080", "transparent"):
        with pytest.raises(ValueError, match=r"is no colour|has alpha"):
            image_conversion.colour(wrong)


def test_exif_that_cannot_be_read_names_no_orientation() -> None:
    data = file(grey(), exif=b"Exif\0\0no TIFF at all")
    assert image_forms.bring(column([data]), Form()).images[0]["bytes"] == data


@pytest.mark.parametrize("form", [Form(), Form((20, 30))])
def test_damaged_pixels_are_not_taken_for_an_image(form: Form) -> None:
    whole = file(grey(np.random.default_rng(0).integers(0, 256, (40, 40))))
    damaged = whole[:60] + bytes([whole[60] ^ 255]) + whole[61:]
    with (
        decoded_images.kept(),
        pytest.raises(ImageError, match=r"1 of 1 images cannot be used: row 0 cannot be decoded"),
    ):
        image_forms.bring(column([damaged]), form)
