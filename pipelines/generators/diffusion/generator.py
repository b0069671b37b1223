"""The diffusion model as a generator: fitted on the training mix, sampled shard by shard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features import images
from pipelines.generators.diffusion import model
from pipelines.generators.diffusion.settings import VERSION, DiffusionFit, DiffusionGenerate
from pipelines.generators.trained.classes import Labels
from pipelines.generators.trained.generator import TrainedGenerator


class Diffusion(TrainedGenerator[DiffusionFit, DiffusionGenerate]):
    """A class-conditional diffusion model, trained from scratch on the mix."""

    name = "diffusion"
    version = VERSION
    FitSettings = DiffusionFit
    GenerateSettings = DiffusionGenerate

    def fit(
        self, samples: pl.DataFrame, settings: DiffusionFit, seed: int, directory: Path
    ) -> None:
        """Train on the images and labels of a mix.

        Raises:
            ImageError: an image cannot be read.
            GeneratorError: the settings do not fit the images.
        """
        model.fit(
            images.decode(samples["image"]),
            samples["label"].to_numpy() if "label" in samples.columns else None,
            samples["weight"].to_numpy(),
            settings,
            seed,
            directory,
        )

    def sample(
        self, directory: Path, labels: Labels | int, settings: DiffusionGenerate, seed: int
    ) -> NDArray[np.float32]:
        """Sample one image for each label; as `TrainedGenerator.sample`."""
        return model.generate(directory, labels, settings, seed)

    def environment(self, settings: DiffusionGenerate) -> dict[str, Any]:
        """Collect what another sampling must share; as `TrainedGenerator.environment`."""
        return model.environment(settings)
