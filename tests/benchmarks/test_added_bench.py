"""Crafted rounds of tables and texts: one of each kind is made, small, and is what it says."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import polars as pl
import pytest

from benchmarks.crafted import bench
from benchmarks.crafted.added import kinds, tables, texts
from benchmarks.crafted.added.craft import Craft
from benchmarks.crafted.added.world import AddedWorld

ROWS = 400
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


class Small(AddedWorld):
    """A split without a data set that is planned from it."""

    @cached_property
    def real(self) -> pl.DataFrame:
        return self._parts[2][:130]

    @cached_property
    def validation(self) -> pl.DataFrame:
        return self._parts[2][130:]


CRAFTS = {
    "tables": replace(tables.CRAFT, load=rows_of_table),
    "texts": replace(texts.CRAFT, load=rows_of_text),
}


@pytest.mark.parametrize(
    ("data", "kind"), [(data, kind) for data in CRAFTS for kind in bench.load(data).kinds]
)
def test_a_round_of_each_kind_has_the_columns_and_the_share_that_it_says(
    data: str, kind: str
) -> None:
    craft: Craft = CRAFTS[data]
    world, strength = Small(craft, 1), bench.load(data).kinds[kind].strengths[0]
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
