from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.modalities.images import Images
from pipelines.modalities.texts import Texts
from pipelines.rounds.arrivals import source_states
from pipelines.sources import digits
from pipelines.sources.read import read

IMAGES = Images(("image",))
PNG = images.encode(np.full((1, 8, 8), 90, dtype=np.uint8))[0]


def frame(**columns: object) -> pl.DataFrame:
    image = pl.Series("image", [{"bytes": PNG, "path": None}] * 2, dtype=images.IMAGE)
    return pl.DataFrame({"image": image, "label": [0, 1]} | columns)


def parquet(path: Path, content: pl.DataFrame) -> str:
    content.write_parquet(path)
    return str(path)


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).mkdir(parents=True)
        (path / name / "one.png").write_bytes(PNG)
        (path / name / "notes.txt").write_text("not an image", encoding="utf-8")
    return path


def test_the_shipped_digits() -> None:
    found = read("pipelines/sources/digits.py", IMAGES)
    assert len(found.frame) == 1797
    assert (found.name, found.licence) == (digits.SOURCE, "CC-BY-4.0")
    assert images.decode(found.frame["image"]).shape == (1797, 8, 8)


def test_a_parquet_file(tmp_path: Path) -> None:
    place = parquet(tmp_path / "own.parquet", frame(label=pl.Series([3, 4], dtype=pl.Int8)))
    found = read(place, IMAGES)
    assert found.frame["label"].to_list() == [3, 4]
    assert (found.name, found.licence) == (place, None)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("3", "7", "11"), {"3": 3, "7": 7, "11": 11}),
        (("03", "07"), {"03": 3, "07": 7}),
        (("cat", "dog"), {"cat": "cat", "dog": "dog"}),
        (("1", "2", "cat"), {"1": "1", "2": "2", "cat": "cat"}),
        (("01", "1"), {"01": "01", "1": "1"}),
        (("²", "3"), {"3": "3", "²": "²"}),
    ],
)
def test_a_folder_per_class_has_one_label_each(
    tmp_path: Path, names: tuple[str, ...], labels: dict[str, int | str]
) -> None:
    found = read(str(folder(tmp_path, *names)), IMAGES).frame
    paths = found["image"].struct.field("path").to_list()
    names_of = [Path(path).parent.name for path in paths]
    assert dict(zip(names_of, found["label"], strict=True)) == labels


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (frame().drop("image"), "has no column 'image'; it has: label"),
        (frame().clear(), "has no rows"),
        (frame(label=[1, None]), "row 1 has no label"),
        (frame(label=[[1], [2]]), "column 'label' is List(Int64); it must hold whole numbers"),
        (frame(image=[PNG, PNG]), "column 'image' is Binary; it must be Struct"),
    ],
)
def test_a_table_that_does_not_fit_is_one_sentence(
    tmp_path: Path, content: pl.DataFrame, said: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(parquet(tmp_path / "own.parquet", content), IMAGES)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "own.py has no function load(), and no class of a source"),
        ("def load():\n    return 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("def load():\n    return [1]\n", "gave a list, not a Polars frame"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError"),
        (
            "FILES = 'rows.csv'\ndef load():\n    return 1\n",
            "own.py: FILES must be a list of paths",
        ),
        ("FILES = [3]\ndef load():\n    return 1\n", "own.py: FILES must be a list of paths"),
    ],
)
def test_a_module_that_fails_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    place = tmp_path / "own.py"
    place.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(str(place), IMAGES)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("base", ["Source[NoSettings]", "object"])
def test_a_class_need_not_know_its_licence(tmp_path: Path, base: str) -> None:
    place = tmp_path / "own.py"
    place.write_text(
        "import polars as pl\n"
        "from pipelines.common.plugins import NoSettings\n"
        "from pipelines.sources.protocol import Source\n"
        f"class Own({base}):\n"
        "    name, version, origin, Settings = 'own', 'own/1', 'here', NoSettings\n"
        "    def load(self, settings):\n"
        "        return pl.DataFrame({'text': ['a']})\n",
        encoding="utf-8",
    )
    given = read(str(place), Texts(("text",)))
    assert (given.name, given.licence, given.frame["text"].to_list()) == ("here", None, ["a"])


def test_files_that_a_module_reads_are_part_of_the_state_of_its_source(tmp_path: Path) -> None:
    place, data = tmp_path / "own.py", tmp_path / "rows.csv"
    data.write_text("a\n1\n", encoding="utf-8")
    text = "def load():\n    return 1\n"
    place.write_text(text, encoding="utf-8")
    assert source_states.files(str(place), {}).keys() == {str(place)}
    place.write_text(f"FILES = [{str(data)!r}]\n{text}", encoding="utf-8")
    before, digest = source_states.files(str(place), {}), source_states.digest(str(place), {})
    assert before.keys() == {str(place), str(data)}
    data.write_text("a\n1\n2\n", encoding="utf-8")
    after = source_states.files(str(place), {})
    assert {name for name in after if after[name] != before[name]} == {str(data)}
    assert source_states.digest(str(place), {}) != digest
    data.unlink()
    with pytest.raises(DataError, match=r"rows\.csv is missing"):
        source_states.files(str(place), {})


def test_places_that_hold_nothing(tmp_path: Path) -> None:
    for name in ("nowhere", "rows.csv"):
        with pytest.raises(DataError, match="is not there; name a file or folder that is"):
            read(str(tmp_path / name), IMAGES)
    with pytest.raises(DataError, match="neither a Python module, nor a table"):
        read("nowhere", IMAGES)
    with pytest.raises(DataError, match="holds no image and no table"):
        read(str(tmp_path), IMAGES)
    (tmp_path / "junk.parquet").write_bytes(b"not a table")
    with pytest.raises(DataError, match=r"cannot be read as a \.parquet table"):
        read(str(tmp_path / "junk.parquet"), IMAGES)
    folder(tmp_path / "empty", "cat", ".hidden")
    assert len(read(str(tmp_path / "empty"), IMAGES).frame) == 1
    (tmp_path / "empty" / "dog").mkdir()
    with pytest.raises(DataError, match="dog has no image; add some or remove the folder"):
        read(str(tmp_path / "empty"), IMAGES)


def test_images_of_several_kinds_have_one_form(tmp_path: Path) -> None:
    from PIL import Image  # noqa: PLC0415

    folder(tmp_path, "cat", "dog")
    Image.new("RGB", (8, 8)).save(tmp_path / "dog" / "two.png")
    assert images.decode(read(str(tmp_path), IMAGES).frame["image"]).shape == (3, 8, 8, 3)
