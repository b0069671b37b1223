from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.common.errors import ParamsError
from pipelines.common.settings import key_content, parse
from pipelines.generators.diffusion import model, samplers
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate, Sampler

LABELS = np.repeat(np.array([3, 7], dtype=np.int64), 6)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of dark images of 3 and bright ones of 7."""
    draw = np.random.default_rng(0)
    labels = np.tile(np.array([3, 7], dtype=np.int64), 50)
    pixels = draw.integers(0, 60, (100, 8, 8), dtype=np.uint8)
    pixels[labels == 7] += 180
    place = tmp_path_factory.mktemp("fitted")
    settings = DiffusionFit(channels=(8, 16), steps=80, reference_rows=100, batch=16)
    model.fit(pixels, labels, np.ones(100), settings, 1, place)
    return place


@pytest.fixture(scope="module")
def usual(fitted: Path) -> NDArray[np.float32]:
    """What the usual sampler makes."""
    return model.generate(fitted, LABELS, DiffusionGenerate(steps=8), 1)


@pytest.mark.parametrize("sampler", samplers.SCHEDULERS)
def test_a_sampler_makes_what_the_label_means_and_the_same_again(
    sampler: Sampler, fitted: Path, usual: NDArray[np.float32]
) -> None:
    settings = DiffusionGenerate(sampler=sampler, steps=20 if sampler == "ddpm" else 8)
    found = model.generate(fitted, LABELS, settings, 1)
    assert found[:6].mean() < 0.5 < found[6:].mean()
    assert np.array_equal(found, model.generate(fitted, LABELS, settings, 1))
    assert not np.array_equal(found, usual)


def test_every_sampler_that_can_be_set_is_there() -> None:
    assert {*samplers.SCHEDULERS, "ddim"} == set(get_args(Sampler))


def test_the_default_is_in_no_key_and_eta_is_of_ddim() -> None:
    assert key_content(DiffusionGenerate(sampler="ddim")) == {}
    assert key_content(DiffusionGenerate(sampler="dpm++")) == {"sampler": "dpm++"}
    with pytest.raises(ParamsError, match=r"eta is a setting of the sampler ddim, and heun has"):
        parse(DiffusionGenerate, {"eta": 0.5, "sampler": "heun"}, "diffusion")
