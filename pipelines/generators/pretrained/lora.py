"""Training of an adapter on the mix: low-rank updates of a U-Net's attention (Hu et al. 2021).

The loss is that of the pipeline's own training, the mean squared error of the noise, or of the
velocity, at random times (Ho et al. 2020; Rombach et al. 2022). Images are encoded once, by the
mean of the encoder. The adapter is kept as safetensors, as diffusers writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common import optional
from pipelines.common.errors import GeneratorError
from pipelines.common.progress import announced
from pipelines.features import images
from pipelines.generators.pretrained import drawing, loading
from pipelines.generators.pretrained.settings import LoraFit
from pipelines.generators.prompts import draws

TARGETS: Final = ("to_q", "to_k", "to_v", "to_out.0")
"""Layers of attention that the adapter changes."""
PARTS: Final = ("unet", "vae", "text_encoder", "tokenizer")
ENCODED: Final = 8
"""Images that are encoded at once."""


def train(  # noqa: PLR0917  what, on which rows, how, by which seed, and where to
    pipeline: Any,  # noqa: ANN401  untyped library
    samples: pl.DataFrame,
    settings: LoraFit,
    side: int | None,
    seed: int,
    directory: Path,
) -> None:
    """Train an adapter and write it into a generator's folder.

    Args:
        pipeline: on its device.
        samples: rows of the mix, with images and weights.
        settings: of the training.
        side: of the images that it learns from; None: the one the pipeline draws.
        seed: of every random choice.
        directory: the folder.

    Raises:
        LibraryError: peft is not installed.
        GeneratorError: the pipeline has no U-Net with one text encoder, or the loss is not finite.
    """
    import torch  # noqa: PLC0415  slow to import

    peft = optional.library("peft", "adapters (LoRA)", extra=loading.EXTRA)
    _check(pipeline)
    network = pipeline.unet
    for part in ("unet", "vae", "text_encoder"):
        getattr(pipeline, part).requires_grad_(requires_grad=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.add_adapter(
            peft.LoraConfig(
                r=settings.rank,
                lora_alpha=settings.rank,
                init_lora_weights="gaussian",
                target_modules=list(TARGETS),
            )
        )
    pixels = images.decode(samples["image"])
    latents = _encoded(pipeline, pixels, side or drawing.side_of(pipeline, pixels.shape[1:]))
    texts = _prompted(pipeline, samples, settings.template)
    weights = torch.from_numpy(samples["weight"].to_numpy().astype(np.float64))
    _optimise(pipeline, latents, texts, weights, settings, seed)
    updates = peft.get_peft_model_state_dict(network)
    type(pipeline).save_lora_weights(
        str(directory), unet_lora_layers=updates, safe_serialization=True
    )


def _check(pipeline: Any) -> None:  # noqa: ANN401  untyped library
    missing = [each for each in PARTS if getattr(pipeline, each, None) is None]
    two = getattr(pipeline, "text_encoder_2", None) is not None
    if missing or two or not hasattr(pipeline, "save_lora_weights"):
        raise GeneratorError(
            f"an adapter is trained of pipelines with a U-Net, a VAE and one text encoder, as "
            f"Stable Diffusion 1 and 2 have them, and not of a {type(pipeline).__name__}; train it "
            "elsewhere and name it in generate.pretrained.lora"
        )


def _encoded(pipeline: Any, pixels: NDArray[np.uint8], side: int) -> Any:  # noqa: ANN401
    """Latents of images, [n, c, h, w], on the processor."""
    import torch  # noqa: PLC0415  slow to import

    vae = pipeline.vae
    found = []
    with torch.inference_mode():
        for start in range(0, len(pixels), ENCODED):
            part = [
                np.asarray(drawing.enlarged(each, side)) for each in pixels[start : start + ENCODED]
            ]
            values = torch.from_numpy(np.stack(part)).permute(0, 3, 1, 2).to(vae.device, vae.dtype)
            latent = vae.encode(values / 127.5 - 1).latent_dist.mean
            found.append((latent * vae.config.scaling_factor).float().cpu())
    return torch.cat(found).clone()


def _prompted(pipeline: Any, samples: pl.DataFrame, template: str) -> Any:  # noqa: ANN401
    """Embeddings of the prompts of rows, [n, tokens, d], on the processor."""
    import torch  # noqa: PLC0415  slow to import

    columns = samples.drop("image").to_dicts()
    whole = [draws.filled(template, each) for each in columns]
    draws.say_cut(sum(len(each) > draws.LONGEST for each in whole), len(whole))
    texts: Sequence[str] = [each[: draws.LONGEST] for each in whole]
    distinct: Mapping[str, int] = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    with torch.inference_mode():
        embedded = [
            pipeline.encode_prompt(
                text, pipeline.unet.device, 1, do_classifier_free_guidance=False
            )[0]
            .float()
            .cpu()
            for text in distinct
        ]
    return torch.cat(embedded).clone()[[distinct[text] for text in texts]]


def _optimise(  # noqa: PLR0917  what is trained, and on what
    pipeline: Any,  # noqa: ANN401  untyped library
    latents: Any,  # noqa: ANN401  a tensor
    texts: Any,  # noqa: ANN401  a tensor
    weights: Any,  # noqa: ANN401  a tensor
    settings: LoraFit,
    seed: int,
) -> None:
    import torch  # noqa: PLC0415  slow to import

    from pipelines.generators.trained import optimising  # noqa: PLC0415  imports torch

    network, draw = pipeline.unet, torch.Generator().manual_seed(seed)
    scheduler = loading.training_scheduler(pipeline)
    learnt = [each for each in network.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=settings.learning_rate)
    network.train()
    for step in announced(range(settings.steps), "fit", "steps"):
        rows = torch.multinomial(weights, settings.batch, replacement=True, generator=draw)
        noise = torch.randn(latents[rows].shape, generator=draw)
        most = scheduler.config.num_train_timesteps
        times = torch.randint(0, most, (settings.batch,), generator=draw)
        noisy = scheduler.add_noise(latents[rows], noise, times)
        velocity = scheduler.config.prediction_type == "v_prediction"
        target = scheduler.get_velocity(latents[rows], noise, times) if velocity else noise
        noisy, times, text, target = (
            each.to(network.device) for each in (noisy, times, texts[rows], target)
        )
        guess = network(noisy, times, encoder_hidden_states=text).sample
        loss = torch.nn.functional.mse_loss(guess.float(), target)
        fault = (
            f"the adapter's loss is not finite at step {step + 1} of {settings.steps}; lower "
            f"fit.pretrained.lora.learning_rate ({settings.learning_rate:g})"
        )
        optimising.descend(optimiser, loss, fault=fault)
    network.eval()
