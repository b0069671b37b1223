from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lineage import pictures

RGB = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_pixels_with_mode_and_shape() -> None:
    assert pictures.canonical(encoded(Image.fromarray(RGB))) == (
        b"p",
        b"RGB 4 4 48\n" + RGB.tobytes(),
    )


def test_a_palette_is_resolved() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.putpixel((1, 0), 1)
    again = Image.new("P", (2, 1), 1)
    again.putpalette([200, 100, 50, 9, 9, 9])
    again.putpixel((1, 0), 0)
    other = image.copy()
    other.putpixel((0, 0), 1)
    found = [pictures.canonical(encoded(each)) for each in (image, again, other)]
    assert found[0][1].startswith(b"RGBA 2 1 8\n")
    assert found[0] == found[1] != found[2]
    assert found[0][1].endswith(bytes([9, 9, 9, 255, 200, 100, 50, 255]))


def test_transparency_is_content() -> None:
    grey = Image.new("L", (2, 2), 5)
    assert pictures.canonical(encoded(grey)) != pictures.canonical(encoded(grey, transparency=5))


def test_every_frame_counts() -> None:
    first, second, third = (Image.new("L", (2, 2), value) for value in (0, 120, 240))
    two = encoded(first, "TIFF", save_all=True, append_images=[second])
    other = encoded(first, "TIFF", save_all=True, append_images=[third])
    assert pictures.canonical(two)[1].count(b"L 2 2 4\n") == 2
    assert pictures.canonical(two) != pictures.canonical(other)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_what_cannot_be_decoded_is_its_file(data: bytes) -> None:
    assert pictures.canonical(data) == (b"x", data)


def test_a_huge_image_is_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.fromarray(RGB))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 16)
    assert pictures.canonical(data)[0] == b"p"
    monkeypatch.setattr(pictures, "MAX_PIXELS", 15)
    assert pictures.canonical(data) == (b"x", data)
