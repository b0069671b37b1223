"""Pipelines of diffusers' own classes with a few thousand random weights, as folders."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, Final

import diffusers
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

SIDE: Final = 16
"""Of the images that they draw."""


def text_to_image(folder: Path, card: str = "") -> Path:
    """A Stable Diffusion of the usual parts, its vocabulary the letters."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*letters, *[f"{each}</w>" for each in letters], "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: at for at, word in enumerate(words)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(vocabulary),
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=16,
                bos_token_id=vocabulary["<|startoftext|>"],
                eos_token_id=vocabulary["<|endoftext|>"],
                pad_token_id=vocabulary["<|endoftext|>"],
            )
        )
        network = diffusers.UNet2DConditionModel(
            sample_size=SIDE // 2,
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=4,
        )
        pipeline = diffusers.StableDiffusionPipeline(
            vae=vae(),
            text_encoder=encoder,
            tokenizer=tokenizer,
            unet=network,
            scheduler=diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.save_pretrained(folder, safe_serialization=True)
    if card:
        (folder / "README.md").write_text(card)
    return folder


def class_conditional(folder: Path) -> Path:
    """A diffusion transformer of 1,000 classes."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        network = diffusers.DiTTransformer2DModel(
            sample_size=SIDE // 2,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=8,
            in_channels=4,
            out_channels=8,
            patch_size=2,
            norm_num_groups=4,
        )
        pipeline = diffusers.DiTPipeline(
            transformer=network, vae=vae(), scheduler=diffusers.DDIMScheduler()
        )
        pipeline.save_pretrained(folder, safe_serialization=True)
    index = folder / "model_index.json"
    names = {"id2label": {"0": "bee, insect", "1": "sea"}}
    index.write_text(json.dumps({**json.loads(index.read_text()), **names}))
    return folder


def vae() -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        norm_num_groups=4,
        sample_size=SIDE,
    )
