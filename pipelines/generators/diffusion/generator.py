"""The diffusion model as a generator: fitted on the training mix, sampled shard by shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators.diffusion import candidates, model
from pipelines.generators.diffusion.settings import VERSION, DiffusionFit, DiffusionGenerate
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)


class Diffusion(Generator[DiffusionFit, DiffusionGenerate]):
    """A class-conditional diffusion model, trained from scratch on the mix."""

    name = "diffusion"
    version = VERSION
    FitSettings = DiffusionFit
    GenerateSettings = DiffusionGenerate
    attribution = "mix/1"
    """Rule that gives a fitted generator's whole weight to its training mix."""
    modalities = ("image",)

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

    def plan(self, request: GenerateRequest[DiffusionGenerate]) -> GeneratePlan[DiffusionGenerate]:
        """Draw the labels of all candidates.

        Raises:
            StaleError: there is no fitted generator.
        """
        return GeneratePlan(request, request.shards(), candidates.labels(request))

    def generate(
        self, plan: GeneratePlan[DiffusionGenerate], shard: Shard
    ) -> Iterator[GenerateBatch]:
        """Sample a shard.

        Raises:
            GeneratorError: the generator cannot be read, or knows no such label.
        """
        yield GenerateBatch(candidates.make(plan.request, shard, plan.content))

    def report(self, plan: GeneratePlan[DiffusionGenerate]) -> GenerateReport:
        """Say on which libraries, processor and threads the bits depend."""
        return GenerateReport(candidates.environment(plan.request))

    def replay(
        self,
        request: GenerateRequest[DiffusionGenerate],
        shard: Shard,
        recorded: Mapping[str, Any],
    ) -> GenerateResult:
        """Sample a shard again: on the processor where it was done on one, else as it may be.

        Raises:
            GeneratorError: the generator cannot be read, or knows no such label.
        """
        on_processor = "cpu" in (recorded.get("device"), request.settings.device)
        settings = request.settings.model_copy(update={"device": "cpu" if on_processor else "auto"})
        plan = self.plan(replace(request, settings=settings))
        candidates_ = pl.concat(each.candidates for each in self.generate(plan, shard))
        return GenerateResult(candidates_, None, self.report(plan))
