"""Crafted rounds of colour, tables and texts: one of each kind is made, small, and as it says."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest
from PIL import Image

from benchmarks.crafted.added import colour, emoji, kinds, picture, tables, texts
from benchmarks.crafted.added.craft import Craft
from benchmarks.crafted.added.world import AddedWorld
from pipelines import params
from pipelines.common import digests
from pipelines.features import images

ROWS = 400
SIDE = 32
QUICK = {name: each for name, each in colour.CRAFT.shipped.items() if name != "diffusion"}
TOPICS = {"sea": "ship wave salt port sail tide", "rail": "train track wagon signal steam coal"}


def rows_of_table(seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    label = np.asarray(["no", "yes"])[np.arange(ROWS) % 2]
    width = draw.normal(0, 1, ROWS) + 6 * (label == "yes")
    town = np.asarray(["Bonn", "Kiel", "Ulm"])[draw.integers(3, size=ROWS)]
    return pl.DataFrame(
        {"width": width, "length": draw.normal(5, 2, ROWS), "town": town}
    ).with_columns(pl.Series("label", label))


def rows_of_text(seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    label = np.asarray(["rail", "sea"])[np.arange(ROWS) % 2]
    said = [[" ".join(draw.choice(TOPICS[each].split(), 6)) for each in label] for _ in range(2)]
    return pl.DataFrame({"prompt": said[0], "completion": said[1], "label": label})


def rows_of_colour(seed: int) -> pl.DataFrame:
    """Squares of two colours at any place, on white."""
    draw = np.random.default_rng(seed)
    label = np.asarray(["blue", "red"])[np.arange(ROWS) % 2]
    pixels = draw.integers(180, 256, size=(ROWS, SIDE, SIDE, 3), dtype=np.uint8)
    for image, name in zip(pixels, label, strict=True):
        top, left = draw.integers(2, SIDE - 18, size=2)
        dark = [0, 1] if name == "blue" else [1, 2]
        image[top : top + 16, left : left + 16, dark] //= 8
    return pl.DataFrame({"image": images.column(pixels), "label": label})


class Small(AddedWorld):
    """A split without a data set that is planned from it."""

    @property
    def settings(self) -> params.Dataset:
        content = ("image",) if self.craft.name == "colour" else ("prompt", "completion")
        return cast("params.Dataset", SimpleNamespace(identity=content))

    @cached_property
    def real(self) -> pl.DataFrame:
        rows = self._parts[2][:130].with_row_index("row")
        return rows.with_columns(
            pl.col("row").cast(pl.Int64),
            pl.lit(0, pl.Int32).alias("round"),
            pl.lit(b"\0" * 32).alias("sample_id"),
        )

    @cached_property
    def validation(self) -> pl.DataFrame:
        return self._parts[2][130:]


CRAFTS = {
    "colour": replace(colour.CRAFT, load=rows_of_colour, shipped=QUICK),
    "tables": replace(tables.CRAFT, load=rows_of_table),
    "texts": replace(texts.CRAFT, load=rows_of_text),
}


@pytest.mark.parametrize(
    ("data", "kind"),
    [(data, kind) for data, each in CRAFTS.items() for kind in kinds.of_craft(each)],
)
def test_a_round_of_each_kind_has_the_columns_and_the_share_that_it_says(
    data: str, kind: str
) -> None:
    craft: Craft = CRAFTS[data]
    world, strength = Small(craft, 1), kinds.of_craft(craft)[kind].strengths[0]
    found = kinds.of_craft(craft)[kind]
    made = kinds.candidates(found, world, strength)
    assert made.rows.schema == world.withheld.schema
    assert len(made.crafted) == len(made.rows) <= len(world.withheld)
    if found.group in ("leak", "copy") or kind in ("wrong labels", "blends", "loosened"):
        assert made.crafted.mean() == pytest.approx(strength, abs=0.05)
    if kind == "wrong labels":
        kept = made.rows.filter(~made.crafted)
        assert kept.join(world.withheld, on=world.payload, how="anti").is_empty()
        assert made.rows.filter(made.crafted).join(world.withheld, on=world.payload).is_empty()


@pytest.mark.parametrize("data", CRAFTS)
def test_models_that_measure_harm_learn_what_labels_say(data: str) -> None:
    world = Small(CRAFTS[data], 1)
    train = world.real.select(world.payload)
    for fit in world.craft.families.values():
        said = fit(train.drop("label"), train["label"].to_numpy(), 3)(world.test.drop("label"))
        assert (said == world.test["label"].to_numpy()).mean() > 0.75


def package(folder: Path, maker: str) -> None:
    """Write a package of two pictures, one of a category that is not used."""
    listed = [
        {"category": each, f"has_img_{maker}": True, "image": f"{number}.png"}
        for number, each in enumerate(("Flags", "Objects"))
    ]
    seen = io.BytesIO()
    Image.new("RGBA", (64, 64), (255, 0, 0, 128)).save(seen, "PNG")
    files = {"package/emoji.json": json.dumps(listed).encode()}
    files |= {f"package/img/{maker}/64/{number}.png": seen.getvalue() for number in (0, 1)}
    place = folder / f"emoji-datasource-{maker}-{emoji.VERSION}.tgz"
    with tarfile.open(place, "w:gz") as packed:
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            packed.addfile(item, io.BytesIO(content))


def test_emoji_are_laid_on_white_and_other_packages_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    emoji.FOLDER.mkdir()
    package(emoji.FOLDER, "twitter")
    with pytest.raises(SystemExit, match="is not what the benchmark was measured on"):
        emoji.load()
    (own,) = emoji.FOLDER.glob("*.tgz")
    monkeypatch.setattr(emoji, "PACKAGES", {"twitter": digests.of_file(own)})
    loaded = emoji.load.__wrapped__()
    assert loaded["label"].to_list() == ["Flags"]
    pixels = images.decode(loaded["image"])
    assert pixels.shape == (1, 32, 32, 3)
    assert pixels[0, 5, 5].tolist() == [255, 127, 127]


def test_the_picture_of_rounds_shows_styles_undone_and_a_prototype_that_stays() -> None:
    world = Small(CRAFTS["colour"], 1)
    with Image.open(io.BytesIO(picture.draw(world))) as drawn:
        sheet = np.asarray(drawn.convert("RGB")).astype(np.float64)
    cell = picture.SIDE + picture.GAP
    lines = {
        name: sheet[line * cell : (line + 1) * cell - picture.GAP, picture.LEFT :]
        for line, name in enumerate(picture.lines(world))
    }
    assert len(sheet) == len(lines) * cell
    for style in ("brightness", "tint"):
        before, after = (
            np.abs(lines[name] - lines["real rows"]).mean()
            for name in (style, f"  {style}, recoloured")
        )
        assert after < 0.4 * before
