from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipelines.common.errors import GeneratorError
from pipelines.common.settings import key_content
from pipelines.generators.gan import augmentations, model
from pipelines.generators.gan.networks import Architecture, Critic, build
from pipelines.generators.gan.settings import GanFit, GanGenerate

Rows = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64]]
"""Pixels, labels and weights of a training set."""
TINY = GanFit(latent=4, channels=8, widest=16, steps=3, reference_rows=60, batch=8)
NAMES = np.array([3, 7, 3, 7, 7], dtype=np.int64)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Dark images of 3 and bright ones of 7."""
    draw = np.random.default_rng(0)
    labels = np.tile(np.array([3, 7], dtype=np.int64), 30)
    pixels = draw.integers(0, 60, (60, 8, 8), dtype=np.uint8)
    pixels[labels == 7] += 180
    return pixels, labels, np.ones(60)


@pytest.fixture(scope="module")
def fitted(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    directory = tmp_path_factory.mktemp("fitted")
    return directory, model.fit(*rows, TINY, 5, directory)


def test_a_folder_holds_the_weights_of_the_generator_alone(
    fitted: tuple[Path, dict[str, Any]],
) -> None:
    directory, manifest = fitted
    assert {each.name for each in directory.iterdir()} == {"weights.safetensors", "manifest.json"}
    assert json.loads((directory / "manifest.json").read_text()) == manifest
    assert (manifest["classes"], manifest["rows"], manifest["steps"]) == ([3, 7], 60, 3)
    sizes = Architecture.read(manifest["architecture"])
    assert (sizes.widths, sizes.size, sizes.classes) == ((16, 8), (8, 8), 2)


def test_the_seed_decides_weights_and_images(
    fitted: tuple[Path, dict[str, Any]], rows: Rows, tmp_path: Path
) -> None:
    directory, manifest = fitted
    assert model.fit(*rows, TINY, 5, tmp_path) == manifest
    first = model.generate(directory, NAMES, GanGenerate(), 1)
    assert np.array_equal(first, model.generate(tmp_path, NAMES, GanGenerate(), 1))
    assert not np.array_equal(first, model.generate(directory, NAMES, GanGenerate(), 2))
    assert model.fit(*rows, TINY, 6, tmp_path)["weights_sha256"] != manifest["weights_sha256"]
    assert (first.shape, first.dtype) == ((5, 8, 8), np.float32)
    assert ((first >= 0) & (first <= 1)).all()


@pytest.mark.slow
def test_it_learns_what_a_label_means_and_what_weights_say(rows: Rows, tmp_path: Path) -> None:
    settings = TINY.model_copy(update={"steps": 100, "batch": 16})
    model.fit(*rows, settings, 1, tmp_path)
    found = model.generate(tmp_path, np.repeat([3, 7], 8), GanGenerate(), 1).mean(axis=(1, 2))
    assert found[:8].mean() < 0.5 < found[8:].mean()
    pixels, _, _ = rows
    bright = (pixels.mean(axis=(1, 2)) > 100).astype(np.float64)
    model.fit(pixels, None, bright, settings, 1, tmp_path)
    assert model.generate(tmp_path, 12, GanGenerate(), 1).mean() > 0.6


def test_colour_of_any_shape_without_labels(tmp_path: Path) -> None:
    pixels = np.zeros((10, 7, 9, 3), dtype=np.uint8)
    model.fit(pixels, None, np.ones(10), TINY, 1, tmp_path)
    assert model.generate(tmp_path, 3, GanGenerate(truncation=0.5), 1).shape == (3, 7, 9, 3)
    with pytest.raises(GeneratorError, match="fitted on images without labels"):
        model.generate(tmp_path, NAMES, GanGenerate(), 1)


def test_truncated_noise_stays_within_its_bound() -> None:
    noise = model._noise(400, 8, 0.7, 3)
    assert 0.6 < noise.abs().max() <= 0.7
    assert model._noise(400, 8, None, 3).abs().max() > 3


@pytest.mark.parametrize("layer", ["first", "last", "of_class"])
def test_layers_of_the_critic_are_lipschitz(layer: str) -> None:
    critic = build(Architecture.of(TINY, (8, 8), 2), 1)[1]
    assert isinstance(critic, Critic)
    for _ in range(60):  # each pass in training mode takes a step of the power iteration
        weight = getattr(critic, layer).weight
    norm = torch.linalg.matrix_norm(weight.detach().flatten(1), 2)
    assert float(norm) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", augmentations.EDITS)
def test_edits_change_images_and_let_gradients_pass(name: Any) -> None:
    draw = torch.Generator().manual_seed(3)
    images = (torch.rand((6, 3, 8, 8), generator=draw) - 0.5).requires_grad_()
    edited = augmentations.augmented(images, (name,), draw)
    assert edited.shape == images.shape
    assert not torch.equal(edited, images)
    torch.autograd.backward(edited.square().sum())
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_a_translation_moves_by_an_eighth_and_fills_with_black() -> None:
    images = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(40, 1, 1, 1) / 64
    moved = augmentations.augmented(images, ("translation",), torch.Generator().manual_seed(1))
    black = (moved == -1).reshape(40, -1).sum(dim=1)
    assert set(black.tolist()) == {0, 8, 15}
    unmoved = moved[black == 0]
    assert torch.equal(unmoved, images[: len(unmoved)])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_is_one_sentence(rows: Rows, tmp_path: Path) -> None:
    wild = TINY.model_copy(update={"learning_rate": 1e30, "critic_rate": 1e30, "steps": 30})
    with pytest.raises(GeneratorError, match=r"not finite at step \d+ of 30; lower learning_rate"):
        model.fit(*rows, wild, 1, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": {}},
        {"architecture": {"height": 1 << 30}},
        {"image_shape": [1 << 20, 1 << 20]},
        {"image_shape": [9, 8]},
        {"image_shape": [8, 8, 3]},
        {"classes": [3, 7, 8]},
        {"classes": [1.5]},
        {"kind": "gan/9"},
        {"architecture": {"latent": 5}},
    ],
)
def test_a_manifest_of_others_is_refused(
    fitted: tuple[Path, dict[str, Any]], change: dict[str, Any], tmp_path: Path
) -> None:
    directory, manifest = fitted
    content = json.loads(json.dumps(manifest))
    for name, value in change.items():
        both = isinstance(value, dict) and value
        content[name] = {**content[name], **value} if both else value
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    (tmp_path / "weights.safetensors").write_bytes((directory / "weights.safetensors").read_bytes())
    with pytest.raises(GeneratorError):
        model.generate(tmp_path, NAMES, GanGenerate(), 1)


def test_small_images_are_seen_as_they_are() -> None:
    every = ("colour", "translation", "cutout")
    assert [GanFit().edits((side, 8)) for side in (8, 16, 17)] == [(), (), every]
    assert GanFit(augment=("cutout",)).edits((8, 8)) == ("cutout",)


def test_defaults_are_in_no_key() -> None:
    assert key_content(GanFit()) == key_content(GanGenerate()) == {}
