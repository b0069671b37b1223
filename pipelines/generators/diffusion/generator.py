"""The diffusion model as a generator: fitted on the training mix, sampled shard by shard."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from pipelines.common import shards
from pipelines.features import images
from pipelines.generators.diffusion import candidates, model
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.generators.protocol import GenerateRequest, GenerateResult

KIND: Final = model.KIND
ATTRIBUTION: Final = "mix/1"
"""Rule that gives a fitted generator's whole weight to its training mix."""
OPAQUE: Final = False


def fit(samples: pl.DataFrame, settings: DiffusionFit, seed: int, directory: Path) -> None:
    """Train on the images and labels of a mix.

    Raises:
        ImageError: an image cannot be read.
        GeneratorError: the settings do not fit the images.
    """
    model.fit(
        images.decode(samples["image"]),
        samples["label"].to_numpy(),
        samples["weight"].to_numpy(),
        settings,
        seed,
        directory,
    )


def make(asked: GenerateRequest[DiffusionGenerate]) -> GenerateResult:
    """Sample every shard of a round.

    Raises:
        GeneratorError: the generator cannot be read, or knows no such label.
    """
    wanted = candidates.labels(asked)
    parts = shards.run(candidates.cut(asked), lambda shard: candidates.make(asked, shard, wanted))
    return GenerateResult(pl.concat(parts), candidates.environment(asked))
