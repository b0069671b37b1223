"""Class-conditional diffusion from scratch: a small U-Net of `diffusers`, trained with torch.

`training.py` has the training. Sampling is DDIM (Song et al. 2021) by the scheduler directly,
because the stock pipelines pass no class labels.

A fitted generator is a folder of two files: `weights.safetensors` (the averaged weights) and
`manifest.json` (everything that is needed to sample, and what the weights were trained on).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lineage import image_files
from pipelines.common.errors import GeneratorError
from pipelines.common.progress import track
from pipelines.generators.diffusion import samplers, training, unet
from pipelines.generators.diffusion.samplers import Sampling
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.generators.trained import classes as labelled
from pipelines.generators.trained import folder, machine, sizes, tensors
from pipelines.generators.trained.classes import Labels

if TYPE_CHECKING:
    import torch

KIND: Final = "diffusion/1"
MOST_STEPS: Final = 1 << 17
"""Noise levels of a schedule, at most."""
MOST_VALUES: Final = 3 * image_files.MAX_PIXELS
"""Numbers of an image, at most."""
MOST_PATCH: Final = 16
"""Side of a square of pixels that a network takes as one, at most."""


def fit(  # noqa: PLR0917  the training mix, how, by which seed, and where to
    pixels: NDArray[np.uint8],
    labels: Labels | None,
    weights: NDArray[np.float64],
    settings: DiffusionFit,
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
        seed: of the initial weights, batches and noise.
        directory: where the two files go; made if it is not there.

    Returns:
        The manifest.

    Raises:
        GeneratorError: nothing to train on, or the loss is no longer finite.
    """
    labelled.check_training(pixels, labels, weights)
    classes, places = labelled.places(labels, len(pixels))
    fitting = settings.suited(pixels.shape[1:])
    architecture = unet.architecture(fitting, pixels.shape[1:], len(classes))
    steps = sizes.scaled_steps(fitting, len(pixels))
    with machine.repeatable(settings.threads, settings.device) as device:
        network = unet.build(architecture, seed).to(device)
        size, patch = architecture["sample_size"], fitting.patch
        data = tensors.training_data(pixels, places, weights, size, patch)
        averaged = training.train(network, data, fitting, steps, seed)
    manifest = {
        "kind": KIND,
        "architecture": architecture,
        "schedule": unet.schedule(settings.train_timesteps),
        "classes": classes,
        "image_shape": list(pixels.shape[1:]),
        "settings": fitting.described(),
        "steps": steps,
        "rows": len(pixels),
        "seed": seed,
        **unet.environment(settings.threads, device),
    }
    return folder.save(directory, averaged, manifest)


def generate(
    directory: Path, labels: Labels | int, settings: DiffusionGenerate, seed: int
) -> NDArray[np.float32]:
    """Sample one image for each label.

    Args:
        directory: a folder that `fit` wrote.
        labels: [n], classes that the generator knows; of one that knows none, how many images.
        settings: of the sampler.
        seed: of all noise.

    Returns:
        [n, h, w] or [n, h, w, 3] in [0, 1]; NaN where the model gave a number that is not finite.

    Raises:
        GeneratorError: the folder holds no readable generator, or a label is unknown to it.
    """
    import torch  # noqa: PLC0415  slow to import

    manifest = folder.read_manifest(directory, KIND)
    _check_manifest(directory, manifest)
    indices = labelled.asked(labels, manifest["classes"])
    noise = torch.Generator().manual_seed(seed)
    starts = range(0, len(indices), settings.batch)
    batches = [np.empty((0, *manifest["image_shape"]), dtype=np.float32)]
    with machine.repeatable(settings.threads, settings.device) as device, torch.inference_mode():
        network = _load(directory, manifest).to(device)
        for start in track(starts, "generate"):
            chosen = torch.from_numpy(indices[start : start + settings.batch]).to(device)
            batches.append(_sample(network, chosen, manifest, settings, noise))
    return np.concatenate(batches)


def environment(settings: DiffusionGenerate) -> dict[str, Any]:
    """Collect what another sampling with these settings must share to produce the same bits."""
    with machine.repeatable(settings.threads, settings.device) as device:
        return {**unet.environment(settings.threads, device), **machine.described(device)}


def _sample(
    network: Any,  # noqa: ANN401  untyped library
    labels: torch.Tensor,
    manifest: Mapping[str, Any],
    settings: DiffusionGenerate,
    draw: torch.Generator,
) -> NDArray[np.float32]:
    import torch  # noqa: PLC0415  slow to import

    shape = (len(labels), network.config.in_channels, *network.config.sample_size)
    start = torch.randn(shape, generator=draw).to(labels.device)

    def guess(image: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return _predict(network, image, time, labels, settings.guidance)

    sampling = Sampling(
        manifest["schedule"],
        settings.steps,
        settings.noise(manifest["image_shape"]),
        start,
        draw,
        guess,
    )
    image = samplers.run(settings.sampler, sampling)
    patch = _patch(manifest)
    whole = image if patch == 1 else torch.nn.functional.pixel_shuffle(image, patch)
    return tensors.from_model(whole, manifest["image_shape"])


def _predict(
    network: Any,  # noqa: ANN401  untyped library
    image: torch.Tensor,
    time: torch.Tensor,
    labels: torch.Tensor,
    guidance: float,
) -> torch.Tensor:
    import torch  # noqa: PLC0415  slow to import

    if guidance == 1 or network.config.num_class_embeds is None:
        known = labels if network.config.num_class_embeds else None
        predicted: torch.Tensor = network(image, time, known).sample
        return predicted
    nothing = torch.full_like(labels, network.config.num_class_embeds - 1)
    both = network(torch.cat([image, image]), time, torch.cat([labels, nothing])).sample
    with_label, without = both.chunk(2)
    mixed: torch.Tensor = without + guidance * (with_label - without)
    return mixed


def _check_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest that others wrote or damaged, before anything is made of it.

    Raises:
        GeneratorError: it cannot be sampled by, or would take far more memory than any fit does.
    """
    architecture, schedule = manifest.get("architecture"), manifest.get("schedule")
    classes = manifest.get("classes")
    sound = (
        isinstance(architecture, dict)
        and isinstance(schedule, dict)
        and isinstance(classes, list)
        and labelled.are_labels(classes)
        and _is_shape(architecture.get("sample_size"))
        and _is_shape(manifest.get("image_shape"))
        and _covers(architecture, manifest["image_shape"])
        and type(schedule.get("num_train_timesteps")) is int
        and 0 < schedule["num_train_timesteps"] <= MOST_STEPS
        and schedule == unet.schedule(schedule["num_train_timesteps"])
    )
    if not sound:
        raise GeneratorError(f"the manifest in {directory} is damaged; fit the generator again")


def _patch(manifest: Mapping[str, Any]) -> int:
    """Return the side of the squares of pixels that the network takes as one."""
    values: int = manifest["architecture"]["in_channels"]
    return math.isqrt(values // math.prod(manifest["image_shape"][2:]))


def _is_shape(value: object) -> bool:
    """Return whether a value is the shape of an image within the limits: [h, w] or [h, w, 3]."""
    return sizes.is_shape(value) and math.prod(value) <= MOST_VALUES


def _covers(architecture: Mapping[str, Any], shape: list[int]) -> bool:
    """Return whether what a network makes is images of at least this shape, in square patches."""
    values = architecture.get("in_channels")
    colours = math.prod(shape[2:])
    is_flat = len(architecture["sample_size"]) == 2  # noqa: PLR2004  height and width
    if not is_flat or type(values) is not int or not 0 < values <= colours * MOST_PATCH**2:
        return False
    patch = math.isqrt(values // colours)
    sides = zip(architecture["sample_size"], shape[:2], strict=True)
    return patch**2 * colours == values and all(have * patch >= side for have, side in sides)


def _load(directory: Path, manifest: Mapping[str, Any]) -> Any:  # noqa: ANN401  untyped library
    weights = folder.read_weights(directory, manifest)
    given = {name: tuple(value.shape) for name, value in weights.items()}
    if unet.shapes(manifest["architecture"]) != given:  # before memory is taken for them
        raise GeneratorError(f"the weights in {directory} are of another network; fit it again")
    network = unet.build(manifest["architecture"], seed=0)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(requires_grad=False)
