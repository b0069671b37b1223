"""Folders and patterns as people keep them: what is read, and what is left out and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.modalities.images import Images
from pipelines.modalities.tables import Tables
from pipelines.modalities.texts import Texts
from pipelines.sources import registry
from pipelines.sources.read import RealData, read

IMAGES, TEXTS = Images(("image",)), Texts(("text",))
PNG = images.encode(np.full((1, 8, 8), 90, dtype=np.uint8))[0]


def written(root: Path, *names: str) -> str:
    for number, name in enumerate(names):
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix.lower() in (".png", ".gif", ".tif", ".jpe"):
            form = {".gif": "GIF", ".tif": "TIFF", ".jpe": "JPEG"}.get(place.suffix.lower(), "PNG")
            with place.open("wb") as file:
                Image.new("L", (8, 8), 20 + number).save(file, form)
        else:
            place.write_bytes(b"x")
    return str(root)


def by_path(found: RealData) -> dict[str, object]:
    return dict(zip(found.frame["image"].struct["path"], found.frame["label"], strict=True))


def left_out(found: RealData) -> dict[str, tuple[str, ...]]:
    return {each.why: each.examples for each in found.account.left_out}


def test_all_images_are_read_and_the_rest_is_said(tmp_path: Path) -> None:
    source = written(
        tmp_path,
        "cat/a.PNG", "cat/deep/er/b.tif", "cat/c.gif", "dog/d.jpe", "dog/notes.txt", "dog/._d.png",
        "dog/.DS_Store", "__MACOSX/cat/._a.png", "dog/nosuffix", "stray.png", "labels.csv",
    )  # fmt: skip
    found = read(source, IMAGES)
    assert by_path(found) == {
        "cat/a.PNG": "cat", "cat/c.gif": "cat", "cat/deep/er/b.tif": "cat", "dog/d.jpe": "dog"
    }  # fmt: skip
    assert left_out(found) == {
        "is a hidden file or one of the system": ("__MACOSX", "dog/.DS_Store", "dog/._d.png"),
        "is neither an image nor a table": ("dog/nosuffix", "dog/notes.txt"),
        "is a table beside images": ("labels.csv",),
        "stands in no class folder": ("stray.png",),
    }


def test_folders_of_splits_are_no_classes(tmp_path: Path) -> None:
    source = written(tmp_path, "train/cat/a.png", "train/dog/b.png", "test/cat/c.png")
    found = read(source, IMAGES)
    assert by_path(found) == {
        "test/cat/c.png": "cat", "train/cat/a.png": "cat", "train/dog/b.png": "dog"
    }  # fmt: skip
    assert found.account.notes == (
        f"{source}: the folders test, train are read together, because ingest splits rows anew",
    )
    written(tmp_path, "car/a.png")
    assert set(by_path(read(source, IMAGES)).values()) == {"car", "test", "train"}


def test_images_without_folders_have_no_labels(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a.png", "b.png"), IMAGES).frame.columns == ["image"]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_metadata_describes_images(tmp_path: Path, suffix: str) -> None:
    source = written(tmp_path, "train/a.png", "train/x/b.png", "train/c.png")
    rows = pl.DataFrame(
        {"file_name": ["x/b.png", "a.png"], "caption": ["bee", "ay"], "label": ["n", "m"]}
    )
    place = tmp_path / "train" / f"metadata.{suffix}"
    rows.write_ndjson(place) if suffix == "jsonl" else rows.write_csv(place)
    found = read(source, IMAGES)
    assert by_path(found) == {"train/x/b.png": "n", "train/a.png": "m"}
    assert left_out(found) == {"is not named in the metadata": ("train/c.png",)}
    assert found.account.passed_over == ("file_name", "caption")
    (tmp_path / "train" / "a.png").unlink()
    with pytest.raises(DataError, match=r"names images that are not there: 'train/a\.png'"):
        read(source, IMAGES)


def test_broken_images_are_named_at_once(tmp_path: Path) -> None:
    source = written(tmp_path, "cat/a.png", "cat/b.png", "cat/c.png", "dog/d.png")
    (tmp_path / "cat" / "b.png").write_bytes(b"")
    (tmp_path / "cat" / "c.png").write_text("no image", encoding="utf-8")
    (tmp_path / "dog" / "d.png").write_bytes(PNG[: len(PNG) // 2])
    with pytest.raises(DataError) as caught:
        read(source, IMAGES)
    assert all(name in str(caught.value) for name in ("cat/b.png", "cat/c.png", "dog/d.png"))


def shards(root: Path) -> None:
    (root / "data").mkdir()
    pl.DataFrame({"text": ["a", "b"]}).write_parquet(root / "data" / "train-0.parquet")
    pl.DataFrame({"text": ["c"], "extra": [1]}).write_parquet(root / "data" / "train-1.parquet")
    (root / "data" / "_SUCCESS").write_bytes(b"")


def test_shards_are_read_as_one_table(tmp_path: Path) -> None:
    shards(tmp_path)
    for source in (str(tmp_path), str(tmp_path / "data" / "*.parquet"), str(tmp_path / "**/t*")):
        found = read(source, TEXTS)
        assert found.frame["text"].to_list() == ["a", "b", "c"]
        assert [rows for _, rows in found.account.files] == [2, 1]
        assert "1 of 2 files have no column 'extra'; it is null there" in found.account.notes[0]
    assert left_out(read(str(tmp_path), TEXTS)) == {
        "is neither an image nor a table": ("data/_SUCCESS",)
    }


def test_a_pattern_names_its_files_and_a_name_is_no_pattern(tmp_path: Path) -> None:
    shards(tmp_path)
    source = str(tmp_path / "data" / "train-?.parquet")
    assert registry.plugin(source) is None
    assert [path.name for path in registry.files(source, {})] == [
        "train-0.parquet", "train-1.parquet"
    ]  # fmt: skip
    assert registry.versions(source) == {"source table": "table/2"}
    pl.DataFrame({"text": ["named"]}).write_parquet(tmp_path / "data" / "train-?.parquet")
    assert read(source, TEXTS).frame["text"].to_list() == ["named"]
    with pytest.raises(DataError, match=r"no table \(.*\) fits this pattern"):
        read(str(tmp_path / "*.nothing"), TEXTS)


def test_shards_have_the_types_of_all_their_values(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("price,code\n1,01\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("price,code\n2.5,2\n", encoding="utf-8")
    found = read(str(tmp_path), Tables(("price", "code"))).frame
    assert found.to_dict(as_series=False) == {"price": [1.0, 2.5], "code": ["01", "2"]}
    pl.DataFrame({"text": [1]}).write_parquet(tmp_path / "c.parquet")
    pl.DataFrame({"text": ["a"]}).write_parquet(tmp_path / "d.parquet")
    with pytest.raises(DataError, match=r"'text' is String in .*d\.parquet and Int64 in .*c\."):
        read(str(tmp_path / "*.parquet"), TEXTS)
