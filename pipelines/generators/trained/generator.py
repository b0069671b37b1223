"""A generator whose network is trained on the mix: it is sampled shard by shard, by label."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)
from pipelines.generators.trained import candidates, classes
from pipelines.generators.trained.classes import Labels

Fit = TypeVar("Fit", bound=StrictModel)
Sample = TypeVar("Sample", bound=StrictModel)


class TrainedGenerator(Generator[Fit, Sample], Protocol[Fit, Sample]):
    """A class-conditional model of images, trained from scratch on the mix."""

    attribution: ClassVar[str] = "mix/1"
    """Rule that gives a fitted generator's whole weight to its training mix."""
    modalities: ClassVar[tuple[str, ...]] = ("image",)

    @abstractmethod
    def sample(
        self, directory: Path, labels: Labels | int, settings: Sample, seed: int
    ) -> NDArray[np.float32]:
        """Sample one image for each label.

        Args:
            directory: a folder that `fit` wrote.
            labels: [n], classes that the generator knows; of one that knows none, how many images.
            settings: of the sampler.
            seed: of all noise.

        Returns:
            [n, h, w] or [n, h, w, 3] in [0, 1]; NaN where a number is not finite.

        Raises:
            GeneratorError: the generator cannot be read, or knows no such label.
        """

    @abstractmethod
    def environment(self, settings: Sample) -> dict[str, Any]:
        """Collect what another sampling with these settings must share to produce the same bits."""

    def plan(self, request: GenerateRequest[Sample]) -> GeneratePlan[Sample]:
        """Draw the labels of all candidates.

        Raises:
            StaleError: there is no fitted generator.
        """
        return GeneratePlan(request, request.shards(), classes.of_round(request))

    def generate(self, plan: GeneratePlan[Sample], shard: Shard) -> Iterator[GenerateBatch]:
        """Sample a shard.

        Raises:
            GeneratorError: the generator cannot be read, or knows no such label.
        """
        request: GenerateRequest[Sample] = plan.request
        labels = None if plan.content is None else plan.content[shard.start : shard.stop]
        wanted = len(shard.rows) if labels is None else labels.to_numpy()
        pixels = self.sample(request.directory, wanted, request.settings, shard.seed)
        yield GenerateBatch(candidates.frame(request, shard, labels, pixels))

    def report(self, plan: GeneratePlan[Sample]) -> GenerateReport:
        """Say on which libraries, processor and threads the bits depend."""
        own = self.environment(plan.request.settings)
        return GenerateReport(candidates.environment(self.version, own))

    def replay(
        self, request: GenerateRequest[Sample], shard: Shard, recorded: Mapping[str, Any]
    ) -> GenerateResult:
        """Sample a shard again: on the processor where it was done on one, else as it may be.

        Raises:
            GeneratorError: the generator cannot be read, or knows no such label.
        """
        on_processor = "cpu" in (recorded.get("device"), getattr(request.settings, "device", ""))
        device = "cpu" if on_processor else "auto"
        settings = request.settings.model_copy(update={"device": device})
        plan = self.plan(replace(request, settings=settings))
        made = pl.concat(each.candidates for each in self.generate(plan, shard))
        return GenerateResult(made, None, self.report(plan))
