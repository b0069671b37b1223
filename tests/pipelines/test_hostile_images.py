"""Pictures that are small files and many pixels: bounded together, not only one by one."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from expectations.errors import CannotJudge
from expectations.measures import pixels, points
from lineage import image_files, pictures
from lineage.identity import sample_ids
from pipelines.contact_sheet import grid
from pipelines.features import images
from pipelines.features.images import ImageError
from pipelines.modalities.images import Images
from pipelines.sources.read import read
from review.provenance import page

SIDE = 2048
SHAPE = (SIDE, SIDE)


def flat(mode: str = "L", size: tuple[int, int] = SHAPE) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, format="PNG")
    return out.getvalue()


BOMB = flat()


def column(*files: bytes | None) -> pl.Series:
    rows = [None if each is None else {"bytes": each, "path": None} for each in files]
    return pl.Series("image", rows, dtype=images.IMAGE)


def test_each_is_within_the_limit_and_all_are_not() -> None:
    assert len(BOMB) < 5000
    assert SIDE * SIDE <= image_files.MAX_PIXELS
    for action in (images.decode, images.decode_lenient, images.vectors, images.check):
        with pytest.raises(ImageError, match=r"100 images in .* bytes would be 419,430,400 pixels"):
            action(column(*[BOMB] * 100))
    with pytest.raises(CannotJudge, match=r"100 images in .* bytes would be 419,430,400 numbers"):
        pixels.decode([BOMB] * 100)


def test_a_few_large_ones_and_many_small_ones_are_read() -> None:
    assert images.decode(column(*[BOMB] * 3)).shape == (3, *SHAPE)
    small = images.encode(np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8))[0]
    many = column(*[small] * 2000)
    assert images.vectors(many).shape == (2000, 64)
    images.check(many)


def test_files_that_are_large_themselves_may_be_many_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 64, 64), dtype=np.uint8)
    monkeypatch.setattr(image_files, "MAX_TOTAL", 100)
    assert np.array_equal(images.decode(column(*images.encode(noise))), noise)
    with pytest.raises(ImageError, match="would be 65,536 pixels, more than the"):
        images.decode(column(*[flat(size=(128, 128))] * 4))


def test_a_candidate_of_another_shape_is_not_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load_prepare", loaded.append)
    found = images.decode_lenient(column(*[BOMB] * 50), (8, 8))
    assert np.isnan(found).all()
    assert found.shape == (50, 8, 8)
    assert np.isnan(pixels.decode([BOMB] * 50, 64)).all()
    assert not loaded


def test_a_source_of_them_is_refused_before_one_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    for number in range(100):
        (tmp_path / "cat" / f"{number}.png").write_bytes(BOMB)
    with pytest.raises(ImageError, match="100 images in"):
        read(str(tmp_path), Images(("image",)))
    (tmp_path / "cat" / "0.png").write_bytes(flat("1", (8000, 8000)))
    with pytest.raises(ImageError, match=r"'cat/0\.png' has 64000000 pixels; the limit"):
        read(str(tmp_path), Images(("image",)))


def test_a_figure_of_them_is_unknown() -> None:
    frame = pl.DataFrame({"file": [BOMB] * 100})
    with pytest.raises(CannotJudge, match="100 images in"):
        points.points(frame, frame, ["file"], max_rows=100, seed=0)


def test_they_are_identified_and_shown_one_by_one(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
import polars as pl
from lineage.identity import sample_ids
from pipelines.contact_sheet import grid
from pipelines.features import images
from review.provenance import page
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
def frame(count, side):
    data = Path(sys.argv[side]).read_bytes()
    image = pl.Series("image", [{"bytes": data, "path": None}] * count, dtype=images.IMAGE)
    rows = pl.Series("row", range(count), dtype=pl.Int64)
    return pl.DataFrame({"round": 1, "row": rows, "sample_id": b"0", "asked": "0", "image": image,
        "label": 0, "reason": "x"})
def work(frame):
    shown = frame.head(10)
    print(sample_ids(frame, ["image"])[-1].hex())
    grid.round_grid(real=shown, accepted=shown, refused=shown, title="t")
    page.page(frame.head(20), "t", "t.csv")
work(frame(40, 2))
before = peak()
work(frame(40, 1))
print(peak() - before)
"""
    (tmp_path / "bomb.png").write_bytes(BOMB)
    (tmp_path / "small.png").write_bytes(flat(size=(8, 8)))
    place = [str(tmp_path / "bomb.png"), str(tmp_path / "small.png")]
    done = subprocess.run(
        [sys.executable, "-c", program, *place], check=True, capture_output=True, text=True
    )
    *_, digest, grown = done.stdout.split()
    value = f"L {SIDE} {SIDE} {SIDE * SIDE}\n".encode() + bytes(SIDE * SIDE)
    head = b"stemma-id/1" + (5).to_bytes(4, "big") + b"imagep"
    expected = hashlib.sha256(head + len(value).to_bytes(8, "big") + value)
    assert digest == expected.hexdigest()
    assert int(grown) < 100_000  # KiB; forty of them are 160,000, as bytes alone


def test_pieces_are_the_canonical_bytes() -> None:
    out = io.BytesIO()
    first, second = (Image.new("L", (2, 2), value) for value in (0, 9))
    first.save(out, "TIFF", save_all=True, append_images=[second])
    for data in (out.getvalue(), BOMB, b"no image"):
        tag, pieces = pictures.pieces(data)
        assert (tag, b"".join(pieces)) == pictures.canonical(data)


def test_rows_of_images_and_other_columns_keep_their_ids() -> None:
    frame = pl.DataFrame({"image": column(BOMB, None, b"junk"), "a": [1, None, 3], "z": "x"})
    alone = [sample_ids(frame[at], ["z", "image", "a"])[0] for at in range(3)]
    assert sample_ids(frame, ["image", "a", "z"]).to_list() == alone


def test_an_image_of_another_shape_is_shown_too() -> None:
    two = pl.DataFrame({"image": column(flat(size=(8, 8)), flat(size=(4, 6))), "label": [0, 0]})
    refused = two.with_columns(reason=pl.lit("x"))
    assert grid.round_grid(real=two, accepted=two, refused=refused, title="t")
    drawn = two.with_columns(
        round=1, row=pl.Series([0, 1]), sample_id=pl.lit(b"0"), asked=pl.lit("0")
    )
    assert page.page(drawn, "t", "t.csv").count("<img ") == 2
