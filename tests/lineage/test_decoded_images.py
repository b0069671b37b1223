from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lineage import decoded_images, image_files, pictures
from lineage.identity import sample_ids
from pipelines.features import image_hashes, images

FORMS = ("PNG", "JPEG", "BMP", "WEBP")


def file(image: Image.Image, form: str = "PNG", **settings: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def noise(seed: int, *shape: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def column(*files: bytes | None) -> pl.Series:
    rows = [{"bytes": data, "path": None} for data in files]
    return pl.Series("image", rows, dtype=images.IMAGE)


def all_kinds() -> pl.Series:
    """Images that are kept, and such that readers decode differently or not at all."""
    plain = [file(noise(1, 12, 9, *channels), form) for channels in ((), (3,)) for form in FORMS]
    clear = noise(2, 12, 9)
    palette = noise(3, 12, 9, 3).convert("P")
    moving = io.BytesIO()
    noise(4, 12, 9).save(moving, "PNG", save_all=True, append_images=[noise(5, 12, 9)])
    return column(
        *plain,
        file(clear, transparency=7),
        file(palette),
        moving.getvalue(),
        plain[0][:-40],
        b"no image",
        None,
    )


def ids(files: pl.Series) -> list[bytes]:
    return sample_ids(files.to_frame(), ["image"]).to_list()


def hashes(files: pl.Series) -> list[list[object]]:
    return [part.tolist() for part in image_hashes.hashes(files, "phash")]


def pixels(files: pl.Series) -> list[object]:
    return [each.tolist() for each in images.decode_lenient(files, (12, 9))]


@pytest.mark.parametrize("first", [ids, hashes, pixels])
@pytest.mark.parametrize("then", [ids, hashes, pixels])
def test_what_was_decoded_before_is_what_would_be_decoded(
    first: Callable[[pl.Series], object], then: Callable[[pl.Series], object]
) -> None:
    files = all_kinds()
    expected = repr(then(files))
    with decoded_images.kept():
        first(files)
        assert repr(then(files)) == expected


def test_an_image_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    decode = image_files.decode
    monkeypatch.setattr(
        image_files, "decode", lambda *given, **named: opened.append(1) or decode(*given, **named)
    )
    files = column(*(file(noise(seed, 12, 9)) for seed in range(5)))
    with decoded_images.kept():
        for _ in range(2):
            images.decode(files)
            sample_ids(files.to_frame(), ["image"])
        assert len(opened) == len(files)
        with decoded_images.kept():
            images.decode(files)
        images.decode(files)
        assert len(opened) == len(files)
    images.decode(files)
    assert len(opened) == 2 * len(files)


def test_what_is_kept_has_the_shape_of_the_others() -> None:
    with decoded_images.kept():
        images.decode(column(file(noise(1, 12, 9))))
        images.decode(column(file(noise(1, 9, 12))))
        with pytest.raises(images.ImageError, match=r"position 1 has shape \(9, 12\)"):
            images.decode(column(file(noise(1, 12, 9)), file(noise(1, 9, 12))))


def test_what_does_not_fit_is_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded_images, "MAX_BYTES", 12 * 9 + 1)
    files = [file(noise(seed, 12, 9)) for seed in range(2)]
    with decoded_images.kept():
        first = images.decode(column(*files))
        assert [decoded_images.find(data) is None for data in files] == [False, True]
        assert np.array_equal(images.decode(column(*files)), first)


def test_half_of_what_is_free_on_the_disk_is_taken_at_most(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def nearly_full(place: str) -> SimpleNamespace:
        asked.append(place)
        return SimpleNamespace(free=3 * 12 * 9)

    monkeypatch.setattr(decoded_images.shutil, "disk_usage", nearly_full)
    files = [file(noise(seed, 12, 9)) for seed in range(2)]
    with decoded_images.kept(tmp_path):
        images.decode(column(*files))
        assert [decoded_images.find(data) is None for data in files] == [False, True]
    assert asked == [str(tmp_path)]


def test_where_its_folder_cannot_be_nothing_is_kept(tmp_path: Path) -> None:
    with decoded_images.kept(tmp_path / "none"):
        assert images.decode(column(file(noise(1, 12, 9)))).shape == (1, 12, 9)
        assert decoded_images.find(file(noise(1, 12, 9))) is None


def test_an_image_with_a_transparent_colour_is_not_kept() -> None:
    data = file(noise(1, 12, 9), transparency=7)
    with decoded_images.kept():
        images.decode(column(data))
        assert decoded_images.find(data) is None
        assert pictures.canonical(data)[1].startswith(b"RGBA 9 12 ")


def test_without_a_place_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decoded_images.tempfile, "TemporaryFile", full)
    files = column(file(noise(1, 12, 9)))
    with decoded_images.kept():
        assert images.decode(files).shape == (1, 12, 9)
        assert decoded_images.find(file(noise(1, 12, 9))) is None


def test_a_disk_that_fills_up_ends_no_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    files = column(*(file(noise(seed, 12, 9)) for seed in range(3)))
    expected = images.decode(files)
    full = Path("/dev/full").open("w+b", buffering=1 << 20)  # noqa: SIM115  closed as it would be
    monkeypatch.setattr(decoded_images.tempfile, "TemporaryFile", lambda **_named: full)
    with decoded_images.kept():
        assert np.array_equal(images.decode(files), expected)
        assert np.array_equal(images.decode(files), expected)
    assert full.closed
