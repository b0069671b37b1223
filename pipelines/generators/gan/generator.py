"""The GAN as a generator: fitted on the training mix, sampled shard by shard."""

from __future__ import annotations

from typing import ClassVar

from pipelines.generators.gan import model
from pipelines.generators.gan.settings import VERSION, GanFit, GanGenerate
from pipelines.generators.trained.generator import Model, TrainedGenerator


class Gan(TrainedGenerator[GanFit, GanGenerate]):
    """A class-conditional GAN, trained from scratch on the mix."""

    name = "gan"
    version = VERSION
    FitSettings = GanFit
    GenerateSettings = GanGenerate
    model: ClassVar[Model] = model
