"""A generator whose network is trained on the mix: it is sampled shard by shard, by label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common import console
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators import asked_labels
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)
from pipelines.generators.trained import candidates, classes, machine
from pipelines.generators.trained.classes import Labels

ENVIRONMENT: Final = "environment"
"""Of the facts of a shard."""
Fit = TypeVar("Fit", bound=StrictModel)
Sample = TypeVar("Sample", bound=StrictModel)


class Model(Protocol):
    """A model of images that is kept in a folder: the functions of its module."""

    def fit(  # noqa: PLR0917  the training mix, how, by which seed, and where to
        self,
        pixels: NDArray[np.uint8],
        labels: Labels | None,
        weights: NDArray[np.float64],
        settings: Any,  # noqa: ANN401  each model has its own
        seed: int,
        directory: Path,
    ) -> dict[str, Any]:
        """Train on images [n, h, w] or [n, h, w, 3], and write the folder; returns its manifest.

        Args:
            pixels: of the images.
            labels: [n]; None: there are none.
            weights: [n], relative chance of each row to be drawn into a batch.
            settings: architecture and optimisation.
            seed: of every random choice.
            directory: where the files go.

        Raises:
            GeneratorError: nothing to train on, settings that do not fit the images, or a loss that
                is no longer finite.
        """

    def generate(
        self,
        directory: Path,
        labels: Labels | int,
        settings: Any,  # noqa: ANN401
        seed: int,
    ) -> NDArray[np.float32]:
        """Sample one image for each label.

        Args:
            directory: a folder that `fit` wrote.
            labels: [n], classes that the model knows; of one that knows none, how many images.
            settings: of the sampler.
            seed: of all noise.

        Returns:
            [n, h, w] or [n, h, w, 3] in [0, 1]; NaN where a number is not finite.

        Raises:
            GeneratorError: the model cannot be read, or knows no such label.
        """

    def environment(self, settings: Any) -> dict[str, Any]:  # noqa: ANN401
        """Collect what another sampling with these settings must share to produce the same bits."""


class TrainedGenerator(Generator[Fit, Sample], Protocol[Fit, Sample]):
    """A class-conditional model of images, trained from scratch on the mix."""

    attribution: ClassVar[str] = "mix/1"
    """Rule that gives a fitted generator's whole weight to its training mix."""
    modalities: ClassVar[tuple[str, ...]] = ("image",)
    model: ClassVar[Model]
    """What is trained."""

    def fit(self, samples: pl.DataFrame, settings: Fit, seed: int, directory: Path) -> None:
        """Train on the images and labels of a mix.

        Raises:
            ImageError: an image cannot be read.
            GeneratorError: as `Model.fit`.
        """
        self.model.fit(
            images.decode(samples["image"]),
            samples["label"].to_numpy() if "label" in samples.columns else None,
            samples["weight"].to_numpy(),
            settings,
            seed,
            directory,
        )

    def plan(self, request: GenerateRequest[Sample]) -> GeneratePlan[Sample]:
        """Draw the labels of all candidates, and say which labels and settings have no part in it.

        Raises:
            StaleError: there is no fitted generator.
        """
        known = classes.of_folder(request)
        asked_labels.say(asked_labels.not_asked(known, request.candidates), len(known))
        for name in self.unused(request.settings, known):
            console.line(f"{name} is about labels, and the images have none; it changes nothing")
        return _planned(request)

    def unused(self, settings: Sample, known: Sequence[Any]) -> tuple[str, ...]:  # noqa: ARG002
        """Return names of settings that change nothing for images of these classes.

        Args:
            settings: of the sampler.
            known: the classes; none: images without labels.
        """
        return ()

    def generate(self, plan: GeneratePlan[Sample], shard: Shard) -> Iterator[GenerateBatch]:
        """Sample a shard.

        Raises:
            GeneratorError: the generator cannot be read, or knows no such label.
        """
        request: GenerateRequest[Sample] = plan.request
        labels = None if plan.content is None else plan.content[shard.start : shard.stop]
        wanted = len(shard.rows) if labels is None else labels.to_numpy()
        pixels = self.model.generate(request.directory, wanted, request.settings, shard.seed)
        yield GenerateBatch(candidates.frame(request, shard, labels, pixels))

    def shard_facts(self, plan: GeneratePlan[Sample], shard: Shard) -> Mapping[str, Any]:  # noqa: ARG002  of the protocol
        """Say on which libraries, processor and threads the bits of a shard depend."""
        return {ENVIRONMENT: self.model.environment(plan.request.settings)}

    def report(self, plan: GeneratePlan[Sample]) -> GenerateReport:
        """Say on which libraries, processors and threads the bits depend."""
        request = plan.request
        own = machine.together([each[ENVIRONMENT] for each in plan.made.values()])
        own, known = own or self.model.environment(request.settings), classes.of_folder(request)
        facts = asked_labels.facts(asked_labels.not_asked(known, request.candidates))
        unused = self.unused(request.settings, known)
        return GenerateReport(
            candidates.environment(self.version, own),
            facts={**facts, **({"unused_settings": list(unused)} if unused else {})},
        )

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
        plan = _planned(replace(request, settings=settings))
        made = pl.concat(each.candidates for each in self.generate(plan, shard))
        return GenerateResult(made, None, self.report(plan))


def _planned(request: GenerateRequest[Sample]) -> GeneratePlan[Sample]:
    """Draw the labels of all candidates."""
    return GeneratePlan(request, request.shards(), classes.of_round(request))
