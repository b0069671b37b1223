"""The diffusion model as a generator: fitted on the training mix, sampled shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pipelines.generators.diffusion import model
from pipelines.generators.diffusion.settings import VERSION, DiffusionFit, DiffusionGenerate
from pipelines.generators.trained.generator import Model, TrainedGenerator


class Diffusion(TrainedGenerator[DiffusionFit, DiffusionGenerate]):
    """A class-conditional diffusion model, trained from scratch on the mix."""

    name = "diffusion"
    version = VERSION
    FitSettings = DiffusionFit
    GenerateSettings = DiffusionGenerate
    model: ClassVar[Model] = model

    def unused(self, settings: DiffusionGenerate, known: Sequence[Any]) -> tuple[str, ...]:
        """Return `guidance` where there are no labels to guide towards."""
        return () if known or settings.guidance == 1 else ("guidance",)
