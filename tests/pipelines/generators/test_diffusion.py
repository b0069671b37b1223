from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from pipelines.common.errors import GeneratorError
from pipelines.generators.diffusion import model as diffusion
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.generators.trained import folder, sizes

Rows = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64]]
"""Pixels, labels and weights of a training set."""
Fitted = tuple[Path, dict[str, Any]]
"""A fitted generator's folder and manifest."""

TINY = DiffusionFit(channels=(8, 16), steps=4, reference_rows=100, batch=8)
FEW = DiffusionGenerate(steps=3, batch=4)


@pytest.fixture(scope="module")
def rows() -> Rows:
    draw = np.random.default_rng(0)
    labels = np.tile(np.array([3, 7], dtype=np.int64), 50)
    pixels = draw.integers(0, 60, (100, 8, 8), dtype=np.uint8)
    pixels[labels == 7] += 180
    return pixels, labels, np.ones(100)


@pytest.fixture(scope="module")
def fitted(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    directory = tmp_path_factory.mktemp("fitted")
    return directory, diffusion.fit(*rows, TINY, 5, directory)


def test_folder_holds_weights_and_manifest_only(fitted: Fitted) -> None:
    directory, manifest = fitted
    assert {each.name for each in directory.iterdir()} == {"weights.safetensors", "manifest.json"}
    assert json.loads((directory / "manifest.json").read_text()) == manifest
    assert manifest["classes"] == [3, 7]
    assert manifest["image_shape"] == [8, 8]
    assert manifest["rows"] == 100
    assert manifest["steps"] == 4
    suited = {"learning_rate": 1e-2, "ema": 0.98}
    assert manifest["settings"] == TINY.model_dump(mode="json", exclude={"patch"}) | suited


def test_same_seed_same_weights_and_images(fitted: Fitted, rows: Rows, tmp_path: Path) -> None:
    directory, manifest = fitted
    again = diffusion.fit(*rows, TINY, 5, tmp_path)
    assert again == manifest
    labels = np.array([3, 7, 3, 7, 7], dtype=np.int64)
    first = diffusion.generate(directory, labels, FEW, 1)
    assert np.array_equal(first, diffusion.generate(tmp_path, labels, FEW, 1))
    assert not np.array_equal(first, diffusion.generate(directory, labels, FEW, 2))
    other = diffusion.fit(*rows, TINY, 6, tmp_path)
    assert other["weights_sha256"] != manifest["weights_sha256"]


def test_the_process_computes_as_before_afterwards(
    fitted: Fitted, rows: Rows, tmp_path: Path
) -> None:
    # A thread that flushes subnormal numbers gives other figures in whatever runs next.
    before = sys.float_info.min / 2
    threads = torch.get_num_threads()
    more = TINY.model_copy(update={"threads": threads + 1, "steps": 1})
    diffusion.fit(*rows, more, 5, tmp_path)
    diffusion.generate(fitted[0], np.array([3], dtype=np.int64), FEW, 1)
    diffusion.environment(FEW)
    assert sys.float_info.min / 2 == before > 0
    assert torch.get_num_threads() == threads


def test_images_are_in_the_unit_interval(fitted: Fitted) -> None:
    found = diffusion.generate(fitted[0], np.array([3] * 9, dtype=np.int64), FEW, 1)
    assert found.shape == (9, 8, 8)
    assert found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    assert diffusion.generate(fitted[0], np.empty(0, dtype=np.int64), FEW, 1).shape == (0, 8, 8)


def test_weights_that_are_not_numbers_give_nan_images(fitted: Fitted, tmp_path: Path) -> None:
    weights = load_file(fitted[0] / "weights.safetensors")
    weights["conv_out.bias"][:] = np.nan
    save_file(weights, tmp_path / "weights.safetensors")
    digest = folder.hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest()
    manifest = fitted[1] | {"weights_sha256": digest}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    found = diffusion.generate(tmp_path, np.array([3, 7], dtype=np.int64), FEW, 1)
    assert np.isnan(found).all()


@pytest.mark.slow
def test_learns_what_a_label_means(rows: Rows, tmp_path: Path) -> None:
    settings = TINY.model_copy(update={"steps": 80, "batch": 16})
    diffusion.fit(*rows, settings, 1, tmp_path)
    labels = np.repeat(np.array([3, 7], dtype=np.int64), 8)
    for guidance in (1.0, 1.5):
        sampler = DiffusionGenerate(steps=8, guidance=guidance)
        found = diffusion.generate(tmp_path, labels, sampler, 1).mean(axis=(1, 2))
        assert found[:8].max() < 0.45 < found[8:].min()


@pytest.mark.slow
def test_row_weights_decide_what_is_learned(rows: Rows, tmp_path: Path) -> None:
    pixels, _, _ = rows
    labels = np.zeros(100, dtype=np.int64)
    settings = TINY.model_copy(update={"steps": 80, "batch": 16})
    weights = (pixels.mean(axis=(1, 2)) > 100).astype(np.float64)
    diffusion.fit(pixels, labels, weights, settings, 1, tmp_path)
    found = diffusion.generate(tmp_path, labels[:12], DiffusionGenerate(steps=8), 1)
    assert found.mean(axis=(1, 2)).min() > 0.5


def test_other_shapes_are_padded_and_cut(tmp_path: Path) -> None:
    pixels = np.zeros((10, 7, 9), dtype=np.uint8)
    diffusion.fit(pixels, np.arange(10) % 2, np.ones(10), TINY, 1, tmp_path)
    found = diffusion.generate(tmp_path, np.zeros(2, dtype=np.int64), FEW, 1)
    assert found.shape == (2, 7, 9)


def test_steps_grow_with_the_root_of_the_rows() -> None:
    settings = DiffusionFit(steps=400, reference_rows=1000).suited((8, 8))
    assert [sizes.scaled_steps(settings, rows) for rows in (1000, 4000, 250)] == [400, 800, 200]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_is_one_sentence(rows: Rows, tmp_path: Path) -> None:
    wild = TINY.model_copy(update={"learning_rate": 1e30, "steps": 30})
    with pytest.raises(GeneratorError, match=r"loss is not finite at step \d+ of 30; lower the"):
        diffusion.fit(*rows, wild, 1, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pixels": np.empty((0, 8, 8), np.uint8), "labels": np.empty(0)}, "no row to train"),
        ({"labels": np.zeros(3, np.int64)}, "one label and one weight"),
        ({"weights": np.zeros(100)}, "finite and not all zero"),
        ({"weights": np.full(100, np.nan)}, "finite and not all zero"),
        ({"settings": DiffusionFit(channels=(9, 16))}, "U-Net cannot be built"),
    ],
)
def test_bad_input_is_one_sentence(
    rows: Rows, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    given = dict(zip(("pixels", "labels", "weights"), rows, strict=True)) | {"settings": TINY}
    with pytest.raises(GeneratorError, match=said):
        diffusion.fit(**(given | change), seed=1, directory=tmp_path)


def test_unknown_label_is_named(fitted: Fitted) -> None:
    with pytest.raises(GeneratorError, match="no class 5; it was fitted on 3, 7"):
        diffusion.generate(fitted[0], np.array([3, 5], dtype=np.int64), FEW, 1)


def test_damaged_folders_are_named(fitted: Fitted, tmp_path: Path) -> None:
    labels = np.array([3], dtype=np.int64)
    with pytest.raises(GeneratorError, match="holds no readable generator"):
        diffusion.generate(tmp_path, labels, FEW, 1)
    (tmp_path / "manifest.json").write_text(json.dumps({"kind": "other"}))
    with pytest.raises(GeneratorError, match="no generator of kind diffusion/1"):
        diffusion.generate(tmp_path, labels, FEW, 1)
    (tmp_path / "manifest.json").write_text(json.dumps(fitted[1]))
    with pytest.raises(GeneratorError, match="holds no weights"):
        diffusion.generate(tmp_path, labels, FEW, 1)
    (tmp_path / "weights.safetensors").write_bytes(b"cut off")
    with pytest.raises(GeneratorError, match="not those of its manifest"):
        diffusion.generate(tmp_path, labels, FEW, 1)


def test_a_gpu_that_is_not_there_is_one_sentence(rows: Rows, tmp_path: Path) -> None:
    import torch  # noqa: PLC0415

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(GeneratorError, match="torch sees no GPU"):
        diffusion.fit(*rows, TINY.model_copy(update={"device": "cuda"}), 1, tmp_path)
