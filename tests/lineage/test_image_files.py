from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineage import image_files
from lineage.errors import ImageFileError, TooManyPixelsError

ROOT = Path(__file__).parents[2]


def picture(size: tuple[int, int] = (4, 3), form: str = "PNG", mode: str = "L") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 7).save(out, form)
    return out.getvalue()


def pixels(image: Image.Image) -> list[list[int]]:
    found: list[list[int]] = np.asarray(image).tolist()
    return found


def test_what_is_read_comes_back() -> None:
    assert image_files.decode(picture(), pixels) == [[7] * 4] * 3


@pytest.mark.parametrize(
    ("data", "limits", "sentence"),
    [
        (None, {}, "is missing"),
        (picture(), {"max_bytes": 10}, r"is a file of \d+ bytes; the limit is 10"),
        (picture(), {"max_pixels": 11}, "has 12 pixels; the limit is 11"),
        (picture(form="GIF"), {}, "cannot be decoded; it must be one of PNG, JPEG, BMP, WEBP"),
        (picture(), {"formats": ["BMP"]}, "cannot be decoded; it must be one of BMP"),
        (picture((200, 200))[:-30], {}, "cannot be decoded"),
    ],
)
def test_what_is_no_image_within_the_limits_is_refused(
    data: bytes | None, limits: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ImageFileError, match=f"^{sentence}") as caught:
        image_files.decode(data, pixels, **limits)  # type: ignore[arg-type]
    assert isinstance(caught.value, TooManyPixelsError) is ("pixels" in sentence)


def test_an_image_that_pillow_itself_finds_too_large_is_refused() -> None:
    with pytest.raises(TooManyPixelsError, match=r"^has too many pixels"):
        image_files.decode(picture((20_000, 20_000), mode="1"), pixels, max_pixels=None)


def test_an_image_with_too_many_pixels_is_not_decompressed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load_prepare", loaded.append)
    with pytest.raises(TooManyPixelsError):
        image_files.decode(picture((2049, 2048)), pixels)
    assert not loaded


def test_a_warning_refuses_an_image_only_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 10)  # Pillow warns from here to twice as many
    assert image_files.decode(picture(), pixels) == [[7] * 4] * 3
    with pytest.raises(ImageFileError, match="cannot be decoded"):
        image_files.decode(picture(), pixels, warnings_are_errors=True)


def test_no_other_module_opens_an_image() -> None:
    modules = [
        path
        for package in ("lake", "lineage", "expectations", "pipelines", "review")
        for path in (ROOT / package).rglob("*.py")
    ]
    opening = [path for path in modules if "Image.open(" in path.read_text()]
    assert opening == [ROOT / "lineage" / "image_files.py"]
