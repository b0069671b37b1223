"""A first round's settings suit the number of rows and what they are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipelines.features import images
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.generators.trained import sizes
from pipelines.project.generator_settings import Suited, suited

COLOUR = (32, 32, 3)
GREY = (8, 8)


def suits(rows: int, shape: tuple[int, ...], label: str | None = "a") -> Suited:
    png = images.encode(np.zeros((1, *shape), dtype=np.uint8))[0]
    files = pl.Series("image", [{"bytes": png, "path": None}], dtype=images.IMAGE)
    train = pl.DataFrame([files]).select(pl.all().repeat_by(rows).explode())
    labelled = train if label is None else train.with_columns(pl.lit(label).alias("label"))
    return suited("diffusion", labelled, ("image",))


@pytest.mark.parametrize(
    ("rows", "shape", "made"), [(425, COLOUR, 3000), (20_000, COLOUR, 6895), (425, GREY, 440)]
)
def test_steps_suit_the_rows(rows: int, shape: tuple[int, ...], made: int) -> None:
    given = suits(rows, shape)
    fitting = DiffusionFit(**given.fit.get("diffusion", {})).suited(shape)
    assert sizes.scaled_steps(fitting, rows) == made
    if "fit.diffusion.steps" in given.comments:
        said = given.comments["fit.diffusion.steps"]
        assert said == f"on {rows:,} rows {made:,} steps are made"


def test_only_colour_is_sampled_otherwise_than_by_default() -> None:
    assert DiffusionGenerate(**suits(425, COLOUR).generate["diffusion"]) == DiffusionGenerate(
        eta=1.0, guidance=1.5
    )
    assert suits(425, COLOUR, label=None).generate["diffusion"] == {"eta": 1.0}
    assert list(suits(425, GREY).generate) == ["candidates"]
