"""The network of the diffusion generator: a small U-Net with one class more, for "no label".

Everything heavy is imported late: torch and diffusers take seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pipelines.common.errors import GeneratorError
from pipelines.generators.diffusion.settings import Fitting
from pipelines.generators.trained import machine

if TYPE_CHECKING:
    import torch

MOST_LAYERS: Final = 64
"""Levels of a network, and layers in each, at most."""


def architecture(settings: Fitting, shape: tuple[int, ...], classes: int) -> dict[str, Any]:
    """Return the arguments of `UNet2DModel`.

    Args:
        settings: widths, layers, attention and patch.
        shape: height and width, and 3 in colour; the network's own are the next ones, in
            patches, that can be halved.
        classes: how many there are; 0: images without labels.
    """
    levels = len(settings.channels)
    channels = math.prod(shape[2:]) * settings.patch**2
    factor = 2 ** (levels - 1)
    plain = levels - 1 if settings.attention else levels
    return {
        "sample_size": [-(-side // (factor * settings.patch)) * factor for side in shape[:2]],
        "in_channels": channels,
        "out_channels": channels,
        "block_out_channels": list(settings.channels),
        "layers_per_block": settings.layers,
        "down_block_types": ["DownBlock2D"] * plain + ["AttnDownBlock2D"] * (levels - plain),
        "up_block_types": ["AttnUpBlock2D"] * (levels - plain) + ["UpBlock2D"] * plain,
        "add_attention": settings.attention,
        "attention_head_dim": None,
        "norm_num_groups": settings.groups,
        "num_class_embeds": classes + 1 if classes else None,
    }


def build(arguments: Mapping[str, Any], seed: int) -> Any:  # noqa: ANN401  untyped library
    """Make a network with initial weights drawn by seed; torch's own generator stays untouched.

    Raises:
        GeneratorError: the settings do not fit together.
    """
    import torch  # noqa: PLC0415  slow to import
    from diffusers.models.unets.unet_2d import UNet2DModel  # noqa: PLC0415  slow to import

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network = UNet2DModel(**arguments)
        except ValueError as error:
            raise GeneratorError(
                f"the U-Net cannot be built from its settings: {' '.join(str(error).split())}"
            ) from error
    return network.to(memory_format=torch.channels_last)


def shapes(arguments: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's weights by name, without making any.

    Raises:
        GeneratorError: there is no such network, or it is larger than any that is fitted here.
    """
    import torch  # noqa: PLC0415  slow to import
    from diffusers.models.unets.unet_2d import UNet2DModel  # noqa: PLC0415  slow to import

    layers, widths = arguments.get("layers_per_block"), arguments.get("block_out_channels")
    small = type(layers) is int and layers <= MOST_LAYERS and isinstance(widths, list)
    if not small or len(widths or ()) > MOST_LAYERS:
        raise GeneratorError("the manifest describes no network that is fitted here")
    try:
        with torch.device("meta"):
            network = UNet2DModel(**arguments)
    except Exception as error:  # what others wrote can be wrong in any way
        raise GeneratorError("the manifest describes no network that is fitted here") from error
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def schedule(timesteps: int) -> dict[str, Any]:
    """Arguments of the scheduler: squared-cosine noise, and the network predicts the velocity."""
    return {
        "num_train_timesteps": timesteps,
        "beta_schedule": "squaredcos_cap_v2",
        "prediction_type": "v_prediction",
        "clip_sample": True,
        "set_alpha_to_one": True,
        "timestep_spacing": "trailing",
    }


def scheduler(config: Mapping[str, Any]) -> Any:  # noqa: ANN401  untyped library
    """Make a DDIM scheduler; it adds the noise in training too."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler  # noqa: PLC0415  slow to import

    return DDIMScheduler(**config)


def environment(threads: int, device: torch.device) -> dict[str, Any]:
    """Collect what another fit must share with this one to produce the same bits."""
    import diffusers  # noqa: PLC0415  slow to import

    return {"diffusers": diffusers.__version__, **machine.environment(threads, device)}
