"""The GAN as a generator: fitted on the training mix, sampled shard by shard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.features import images
from pipelines.generators.gan import model
from pipelines.generators.gan.settings import VERSION, GanFit, GanGenerate
from pipelines.generators.trained.classes import Labels
from pipelines.generators.trained.generator import TrainedGenerator


class Gan(TrainedGenerator[GanFit, GanGenerate]):
    """A class-conditional GAN, trained from scratch on the mix."""

    name = "gan"
    version = VERSION
    FitSettings = GanFit
    GenerateSettings = GanGenerate

    def fit(self, samples: pl.DataFrame, settings: GanFit, seed: int, directory: Path) -> None:
        """Train on the images and labels of a mix.

        Raises:
            ImageError: an image cannot be read.
            GeneratorError: a loss is no longer finite.
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
        self, directory: Path, labels: Labels | int, settings: GanGenerate, seed: int
    ) -> NDArray[np.float32]:
        """Sample one image for each label; as `TrainedGenerator.sample`."""
        return model.generate(directory, labels, settings, seed)

    def environment(self, settings: GanGenerate) -> dict[str, Any]:
        """Collect what another sampling must share; as `TrainedGenerator.environment`."""
        return model.environment(settings)
