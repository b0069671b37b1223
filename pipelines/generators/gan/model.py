"""A GAN of small images: fitted from scratch, kept in a folder, sampled by class.

A fitted generator is a folder of two files: `weights.safetensors` (the averaged weights of the
generator; the critic is not kept) and `manifest.json` (everything that is needed to sample, and
what the weights were trained on). Torch is imported late, since it takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineage import image_files
from pipelines.common.errors import GeneratorError
from pipelines.generators.gan.settings import VERSION, GanFit, GanGenerate
from pipelines.generators.trained import classes as labelled
from pipelines.generators.trained import folder, machine, sizes, tensors
from pipelines.generators.trained.classes import Labels

KIND: Final = VERSION


def fit(  # noqa: PLR0917  the training mix, how, by which seed, and where to
    pixels: NDArray[np.uint8],
    labels: Labels | None,
    weights: NDArray[np.float64],
    settings: GanFit,
    seed: int,
    directory: Path,
) -> dict[str, Any]:
    """Train a generator and write it to a folder.

    Args:
        pixels: [n, h, w], or [n, h, w, 3] in colour.
        labels: [n], whole numbers or names, whose distinct values are the classes; None: images
            without labels, which one model of all of them makes.
        weights: [n], relative chance of each row to be drawn into a batch.
        settings: architecture and optimisation.
        seed: of the initial weights, batches, noise and edits.
        directory: where the two files go; made if it is not there.

    Returns:
        The manifest.

    Raises:
        GeneratorError: nothing to train on, or a loss is no longer finite.
    """
    from pipelines.generators.gan import networks, training  # noqa: PLC0415  import torch

    labelled.check_training(pixels, labels, weights)
    classes, places = labelled.places(labels, len(pixels))
    architecture = networks.Architecture.of(settings, pixels.shape[1:], len(classes))
    steps = sizes.scaled_steps(settings, len(pixels))
    with machine.repeatable(settings.threads, settings.device) as device:
        maker, critic = networks.build(architecture, seed)
        data = tensors.training_data(pixels, places, weights, architecture.size)
        averaged = training.Trainer(maker.to(device), critic.to(device), data, settings, seed).run(
            steps
        )
    manifest = {
        "kind": KIND,
        "architecture": architecture.described(),
        "classes": classes,
        "image_shape": list(pixels.shape[1:]),
        "settings": settings.model_dump(mode="json"),
        "steps": steps,
        "rows": len(pixels),
        "seed": seed,
        **machine.environment(settings.threads, device),
    }
    return folder.save(directory, averaged, manifest)


def generate(
    directory: Path, labels: Labels | int, settings: GanGenerate, seed: int
) -> NDArray[np.float32]:
    """Sample one image for each label.

    Args:
        directory: a folder that `fit` wrote.
        labels: [n], classes that the generator knows; of one that knows none, how many images.
        settings: of the sampler.
        seed: of the noise.

    Returns:
        [n, h, w] or [n, h, w, 3] in [0, 1]; NaN where the model gave a number that is not finite.

    Raises:
        GeneratorError: the folder holds no readable generator, or a label is unknown to it.
    """
    import torch  # noqa: PLC0415  slow to import

    from pipelines.generators.gan import networks  # noqa: PLC0415  imports torch

    manifest = folder.read_manifest(directory, KIND)
    _check_manifest(directory, manifest)
    wanted = torch.from_numpy(labelled.asked(labels, manifest["classes"]))
    architecture = networks.Architecture.read(manifest["architecture"])
    if not architecture.makes(manifest["image_shape"], len(manifest["classes"])):
        raise GeneratorError(f"the manifest in {directory} is damaged; fit the generator again")
    noise = _noise(len(wanted), architecture.latent, settings.truncation, seed)
    made = [np.empty((0, *manifest["image_shape"]), dtype=np.float32)]
    with machine.repeatable(settings.threads, settings.device) as device, torch.inference_mode():
        weights = folder.read_weights(directory, manifest)
        maker = networks.load(architecture, weights).to(device)
        for start in range(0, len(wanted), settings.batch):
            part = slice(start, start + settings.batch)
            pixels = maker(noise[part].to(device), wanted[part].to(device))
            made.append(tensors.from_model(pixels, manifest["image_shape"]))
    return np.concatenate(made)


def environment(settings: GanGenerate) -> dict[str, Any]:
    """Collect what another sampling with these settings must share to produce the same bits."""
    with machine.repeatable(settings.threads, settings.device) as device:
        return {**machine.environment(settings.threads, device), **machine.described(device)}


def _noise(count: int, latent: int, truncation: float | None, seed: int) -> Any:  # noqa: ANN401  a tensor
    """Draw noise, [count, latent], without what is beyond the truncation."""
    import torch  # noqa: PLC0415  slow to import

    draw = torch.Generator().manual_seed(seed)
    if truncation is None:
        return torch.randn(count, latent, generator=draw)
    noise = torch.empty(count, latent)
    return torch.nn.init.trunc_normal_(noise, a=-truncation, b=truncation, generator=draw)


def _check_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest that others wrote or damaged, before anything is made of it.

    Raises:
        GeneratorError: it cannot be sampled by.
    """
    shape, classes = manifest.get("image_shape"), manifest.get("classes")
    sound = (
        isinstance(classes, list)
        and labelled.are_labels(classes)
        and sizes.is_shape(shape)
        and math.prod(shape[:2]) <= image_files.MAX_PIXELS
    )
    if not sound:
        raise GeneratorError(f"the manifest in {directory} is damaged; fit the generator again")
