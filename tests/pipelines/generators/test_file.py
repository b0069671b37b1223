"""Candidates of a file become a round: what is read, whose children they are, what is refused."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import DataError, GeneratorError, ParamsError
from pipelines.features import images
from pipelines.generators import making
from pipelines.generators.file import generator
from pipelines.generators.file.settings import FileFit, FileGenerate
from pipelines.generators.protocol import GenerateRequest, GenerateResult
from pipelines.generators.registry import GENERATORS
from pipelines.modalities.registry import MODALITIES
from pipelines.sources import candidates
from tests.pipelines.plugin_outputs import pictures, texts

FILE = GENERATORS.load("file")
REAL = texts(1).with_columns(pl.lit(0, pl.Int32).alias("round"), pl.lit(1.0).alias("weight"))
MIX = REAL.with_columns(sample_ids(REAL, ["text"]).alias("sample_id"))
IDS = [each.hex() for each in MIX["sample_id"]]


@pytest.fixture
def made(tmp_path: Path) -> Any:
    def run(
        given: pl.DataFrame | Path, mix: pl.DataFrame = MIX, name: str = "text", **settings: Any
    ) -> GenerateResult:
        place = given if isinstance(given, Path) else tmp_path / "vendor.parquet"
        if not isinstance(given, Path):
            given.write_parquet(place)
        FILE.fit(mix, FileFit(), 3, tmp_path / "fitted")
        own = FileGenerate(path=str(place), **settings)
        modality = MODALITIES.load(name, (name,))
        read = partial(candidates.rows, modality=modality)
        directory = tmp_path / "fitted"
        request = GenerateRequest("talk", 1, 7, (name,), 600, 10, own, directory, read)
        return making.make(FILE, request)

    return run


def vendor(count: int = 24, **columns: Any) -> pl.DataFrame:
    rows = texts(9).head(count).drop("round", "row")
    return rows.with_columns(**columns)


def test_rows_are_the_candidates_with_a_named_generator(made: Any) -> None:
    result = made(vendor(score=pl.lit(1)), generator="Acme 3", licence="CC-BY-4.0")
    assert result.candidates["text"].to_list() == vendor()["text"].to_list()
    assert result.candidates["row"].to_list() == list(range(24))
    assert result.candidates["shard"].unique().sort().to_list() == [0, 1, 2]
    assert result.candidates["opaque_share"].unique().to_list() == [1.0]
    assert result.parents is None
    facts = result.report.facts["file"]
    assert (facts["rows"], facts["used"], facts["passed_over"]) == (24, 24, ["score"])
    assert (facts["generator"], facts["licence"]) == ("Acme 3", "CC-BY-4.0")
    about = {"file": facts["sha256"], "model": "Acme 3", "licence": "CC-BY-4.0"}
    assert result.report.environment == about
    capped = made(vendor(), rows=7)
    assert (len(capped.candidates), capped.report.facts["file"]["used"]) == (7, 7)


def test_parents_are_named_by_id_or_by_place(made: Any) -> None:
    names = [f" {IDS[2]}, 0/5;0/5", IDS[4][:12].upper(), "talk/0/3 other/0/9", None, " "]
    result = made(vendor(5, origin=pl.Series(names)), parents="origin")
    found = result.parents.select("row", "dataset", "round", "parent_row", "weight").rows()
    assert found == [
        (0, "talk", 0, 2, 0.25),
        (0, "talk", 0, 5, 0.25),
        (1, "talk", 0, 4, 0.5),
        (2, "talk", 0, 3, 0.25),
        (2, "other", 0, 9, 0.25),
    ]
    listed = pl.Series([[IDS[2], "0/5"], None, []], dtype=pl.List(pl.String))
    result = made(vendor(3, origin=listed), parents="origin", weight=1.0, relation="edited")
    found = result.parents.select("row", "parent_row", "relation", "weight").rows()
    assert found == [(0, 2, "edited", 0.5), (0, 5, "edited", 0.5)]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("f" * 64, "no row of the training mix has"),
        ("17", "neither a sample id nor dataset/round/row"),
        ("a cat, a dog", "neither a sample id nor dataset/round/row"),
        ("1/0", "not earlier than round 1"),
        ("talk/2/0", "not earlier than round 1"),
        ("../0/1/2", "neither a sample id nor"),
    ],
)
def test_wrong_parents_are_refused_with_their_row(made: Any, name: str, why: str) -> None:
    rows = vendor(4, origin=pl.Series([IDS[0], None, name, None]))
    with pytest.raises(GeneratorError, match=rf"column 'origin': row 2 names .*{why}"):
        made(rows, parents="origin")


def test_what_the_data_set_needs_is_asked_for(made: Any, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match=r"no column 'label', .*generate\.file\.label"):
        made(vendor().drop("label"))
    with pytest.raises(GeneratorError, match="no column 'origin', which generate"):
        made(vendor(), parents="origin")
    with pytest.raises(DataError, match="no column 'kind', which generate"):
        made(vendor(), label="kind")
    with pytest.raises(GeneratorError, match="column 'origin' is Int64"):
        made(vendor(origin=pl.lit(3, pl.Int64)), parents="origin")
    with pytest.raises(DataError, match="is not there"):
        made(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="neither a folder nor a table"):
        made(Path(__file__))
    with pytest.raises(GeneratorError, match="column 'label' is String, and Int64 in the data"):
        made(vendor(), MIX.with_columns(pl.lit(3, pl.Int64).alias("label")))
    renamed = made(vendor().rename({"label": "kind"}), label="kind")
    assert renamed.candidates["label"].to_list() == vendor()["label"].to_list()


def test_a_folder_of_images_is_a_round_too(made: Any, tmp_path: Path) -> None:
    real = pictures(1).with_columns(pl.lit(1.0).alias("weight"))
    mix = real.with_columns(sample_ids(real, ["image"]).alias("sample_id"))
    for row in pictures(4, 6).iter_rows(named=True):
        place = tmp_path / "made" / str(row["label"]) / f"{row['row']}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(row["image"]["bytes"])
    result = made(tmp_path / "made", mix, "image")
    assert result.candidates["label"].to_list() == [0, 0, 0, 1, 1, 1]
    assert result.candidates.schema["image"] == images.IMAGE
    table = made(pictures(4, 6).drop("round", "row"), mix, "image")
    assert set(table.candidates["sample_id"]) == set(result.candidates["sample_id"])


def test_numbers_take_the_type_of_the_data_set_where_they_fit() -> None:
    whole = generator._cast(pl.Series("n", [1, 2]), pl.Float64(), "x.csv")
    assert whole.to_list() == [1.0, 2.0]
    for values, kind in (([1.5], pl.Int64()), ([300], pl.Int8()), (["1"], pl.Int64())):
        with pytest.raises(GeneratorError, match="column 'n' is"):
            generator._cast(pl.Series("n", values), kind, "x.csv")


def test_a_table_or_a_folder_is_in_the_key(tmp_path: Path) -> None:
    assert FILE.files(FileGenerate()) == FILE.files(FileFit()) == ()
    table, folder = tmp_path / "a.parquet", tmp_path / "images"
    folder.mkdir()
    vendor().write_parquet(table)
    for place in (table, folder, tmp_path / "missing.csv"):
        assert GENERATORS.files({"file": FileGenerate(path=str(place))}) == (place,)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ParamsError, match="cannot be read"):
        GENERATORS.files({"file": FileGenerate(path=str(tmp_path / "pipe"))})
