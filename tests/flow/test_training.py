"""`stemma.load`: the mix that the next fit would read, for programs that train on it."""

from __future__ import annotations

import io
import json
import pickle
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, WeightedRandomSampler

import stemma
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.errors import DataError, ParamsError
from pipelines.generators import pool
from pipelines.inquiry.training import blocks, columns
from pipelines.rounds import model_store
from tests.flow.projects import Project, tiny_round
from tests.packages import needs_package


@pytest.fixture
def stored(copied: Project) -> pl.DataFrame:
    """The rows and weights that stage `fit` of a further round gave to its generator."""
    entry = tiny_round(3) | {"generator": "interpolation"}
    copied.edit(
        lambda found: found["rounds"].update({"tiny-3": entry | {"fit": {"real_weight": 3}}})
    )
    copied.run("fit", "tiny-3")
    return pl.read_parquet(model_store.directory("tiny", 3) / pool.FILE)


def test_it_is_exactly_what_the_next_fit_reads(stored: pl.DataFrame) -> None:
    data = stemma.load("tiny-v2")
    assert data.frame().equals(stored)
    assert stored["weight"].unique().sort().to_list() == [1.0, 3.0]
    assert data.weights.tolist() == stored["weight"].to_list()
    mix = (model_store.directory("tiny", 3) / model_store.MIX).read_text(encoding="utf-8")
    assert data.manifest.digest in mix
    assert data.rows.equals(stored.select("round", "row", "weight"))
    assert len(data) == len(stored) == data.arrow().num_rows


def test_without_a_next_round_the_settings_of_the_data_set_count(copied: Project) -> None:
    copied.edit(lambda found: found["datasets"]["tiny"]["fit"].update(regime="replace"))
    last = stemma.load("main")
    assert last.manifest.regime == "replace"
    assert last.rows["round"].unique().to_list() == [2]
    assert last.frame()["round"].unique().to_list() == [2]
    copied.edit(lambda found: found.update(datasets={}, rounds={}))
    with pytest.raises(ParamsError, match="no data set"):
        stemma.load("main")


def test_the_hold_out_is_read_only_if_it_is_asked_for(unchanged: Project) -> None:
    data = stemma.load("tiny-v1")
    assert data.splits == ("train",)
    with pytest.raises(DataError, match=r"splits=\['train', 'validation'\]"):
        data.frame("validation")
    with pytest.raises(DataError, match="no split 'valid'"):
        stemma.load("tiny-v1", splits=["valid"])
    both = stemma.load("tiny-v1", splits=["validation", "train"])
    assert both.splits == ("train", "validation")
    held = both.frame("validation")
    assert held.columns == both.frame().columns
    ids = unchanged.lake(holdout=True).scan("main", "tiny/validation/").collect()["sample_id"]
    assert held["sample_id"].equals(ids)
    assert not set(held["sample_id"]) & set(both.frame()["sample_id"])


def test_what_was_taken_down_is_not_loaded_from_an_old_tag_either(copied: Project) -> None:
    before = stemma.load("tiny-v1", splits=["train", "validation"])
    kept = {split: before.frame(split)["sample_id"] for split in before.splits}
    gone = [ids[0].hex() for ids in kept.values()]
    done = copied.stemma("takedown", *gone, "--reason", "asked for")
    assert done.code == 0, done.err
    after = stemma.load("tiny-v1", splits=["train", "validation"])
    for split, ids in kept.items():
        assert after.frame(split)["sample_id"].to_list() == ids[1:].to_list()
    assert len(after) == len(before) - 1


def test_it_works_from_any_directory_and_without_a_server(
    unchanged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places: list[Path] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.01):
            places.append(Path.cwd())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        data = stemma.load("tiny-v1", project=unchanged.root)
    finally:
        ended.set()
        watcher.join()
    assert set(places) == {tmp_path}, "no thread is ever elsewhere"
    unchanged.stop_lake()
    assert len(data.frame()) == len(data)
    assert not list(tmp_path.iterdir())
    with pytest.raises(NotFoundError):
        stemma.load("tiny-v9", project=unchanged.root)
    with pytest.raises(ParamsError, match="stemma init"):
        stemma.load("tiny-v1")


@pytest.mark.usefixtures("unchanged")
def test_a_model_learns_from_it_in_one_epoch() -> None:
    data = stemma.load("tiny-v2", splits=["train", "validation"])
    torch.manual_seed(0)
    rows = data.torch()
    sampler = WeightedRandomSampler(rows.weights, len(rows))
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, len(data.classes)))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for batch in DataLoader(rows, batch_size=16, sampler=sampler):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(batch["image"]), batch["label"]).backward()
        optimiser.step()
    held = next(iter(DataLoader(data.torch("validation"), batch_size=100)))
    right = model(held["image"]).argmax(1) == held["label"]
    assert right.float().mean() > 0.9


@pytest.mark.usefixtures("unchanged")
def test_an_item_has_pixels_a_class_and_the_id_that_commands_take() -> None:
    data = stemma.load("tiny-v1")
    frame, rows = data.frame(), data.torch()
    item = rows[3]
    assert set(item) == {"sample_id", "image", "label", "weight"}
    assert item["image"].shape == (1, 8, 8)
    assert item["image"].dtype == torch.float32
    pixels = np.asarray(Image.open(io.BytesIO(frame["image"][3]["bytes"])), dtype=np.float32)
    assert torch.equal(item["image"][0], torch.from_numpy(pixels / 255))
    assert item["sample_id"] == frame["sample_id"][3].hex()
    assert data.classes[item["label"]] == frame["label"][3]
    assert data.torch(transform=lambda each: each["label"])[3] == item["label"]


def test_a_stream_reads_blocks_which_workers_share(
    unchanged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 16)
    data = stemma.load("tiny-v2")
    unchanged.stop_lake()
    ids = [row.hex() for row in data.frame()["sample_id"]]
    stream = data.torch_stream()
    assert [item["sample_id"] for item in stream] == ids
    shared = list(DataLoader(stream, batch_size=None, num_workers=2))
    assert sorted(item["sample_id"] for item in shared) == sorted(ids)
    shuffled = data.torch_stream(seed=1)
    first, again = ([item["sample_id"] for item in shuffled] for _ in range(2))
    shuffled.set_epoch(1)
    other = [item["sample_id"] for item in shuffled]
    assert first == again
    assert len({tuple(ids), tuple(first), tuple(other)}) == 3
    assert sorted(first) == sorted(other) == sorted(ids)


def test_parts_of_a_served_lake_are_fetched_once_and_removed(
    unchanged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = stemma.load("tiny-v1").frame()
    lake = unchanged.lake()
    monkeypatch.setattr(lake.connection, "home", None)
    files = blocks.of_samples(lake, lake.resolve("tiny-v1").id, "tiny", [0, 1])
    folder = Path(files.paths()[0]).parent
    sent = pickle.loads(pickle.dumps(files))  # noqa: S301  our own
    monkeypatch.setattr(Lake, "read", None)
    assert pl.concat(block.read() for block in sent.blocks()).equals(here.drop("weight"))
    del sent
    assert folder.is_dir()
    del files
    assert not folder.exists()


def test_labels_that_are_texts_are_numbered_in_their_order() -> None:
    frame = pl.DataFrame({"label": ["b", "a", None]})
    assert columns.numbered(frame, ("a", "b"))["label"].to_list() == [1, 0, None]
    assert columns.numbered(frame, ()).equals(frame)


@needs_package("datasets")
@pytest.mark.usefixtures("unchanged")
def test_it_is_a_data_set_of_hugging_face_with_images_and_classes() -> None:
    data = stemma.load("tiny-v1", splits=["train", "test"])
    assert stemma.load("tiny-v1", splits="test").splits == ("test",)
    found = data.hugging_face()
    assert set(found) == {"train", "test"}
    rows, frame = found["train"], data.frame()
    assert rows.num_rows == len(frame)
    assert rows.features["label"].names == ["0", "1"]
    assert rows[0]["image"].size == (8, 8)
    assert rows[0]["sample_id"] == frame["sample_id"][0].hex()
    assert rows["weight"][:] == frame["weight"].to_list()
    streamed = data.hugging_face(streaming=True)["train"]
    assert [each["sample_id"] for each in streamed] == rows["sample_id"][:]
    assert next(iter(streamed))["image"].size == (8, 8)


@needs_package("datasets")
@pytest.mark.usefixtures("unchanged")
def test_a_class_that_the_mix_has_lost_keeps_its_name_in_the_hold_out() -> None:
    data = stemma.load("tiny-v1", splits=["train", "validation"])
    held = data.frame("validation").with_columns(label=pl.lit(7, pl.Int64))
    lost = replace(data, _held_out={"validation": held})
    assert lost.classes == (0, 1, 7)
    assert lost.torch("validation")[0]["label"] == 2
    found = lost.hugging_face()
    assert set(found["validation"]["label"][:]) == {2}
    assert found["train"].features["label"].names == ["0", "1", "7"]


def test_the_eus_summary_counts_the_mix_and_names_its_generators(
    unchanged: Project, tmp_path: Path
) -> None:
    done = unchanged.stemma("report", "eu-summary", "tiny-v2", "--json")
    assert done.code == 0, done.err
    content = json.loads(done.out)
    sections = {each["number"]: each for part in content["parts"] for each in part["sections"]}
    assert sections["1.3"]["fields"]["modalities"]["known"] == [
        "image: 137 images (less than 1 million images)"
    ]
    synthetic = sections["2.5"]["fields"]
    assert synthetic["used"]["known"][0].startswith("yes, image: 48 of 137 rows")
    assert synthetic["models"]["known"] == ["none that the lake knows of"]
    assert [line.split(":")[0] for line in synthetic["own"]["known"]] == ["diffusion/1"] * 2
    assert sections["2.6"]["fields"]["others"]["known"][0].startswith("tests/tiny: 89 rows")
    target = tmp_path / "summary.html"
    told = unchanged.stemma(
        "report", "eu-summary", "tiny-v2", "--format", "html", "-o", str(target)
    )
    assert "fields are for you to write" in told.out
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
