"""Generator `hosted_images`: a service draws the candidates by the images API.

Prompts come from a template, a column or another data set. What a service learnt from is unknown,
so candidates are opaque but for the row whose text is the prompt. Answers are cached, counted and
bounded by a budget as those of texts are.
"""

from __future__ import annotations

import platform
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.common import digests
from pipelines.common.errors import GeneratorError
from pipelines.common.plugins import NoSettings
from pipelines.common.shards import Shard
from pipelines.generators import pool as pools
from pipelines.generators.hosted_images import transcript
from pipelines.generators.hosted_images.pictures import HostedRequest, Pictures
from pipelines.generators.hosted_images.settings import VERSION, HostedImagesGenerate
from pipelines.generators.prompts import checks, draws
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    Generator,
)
from pipelines.generators.trained import candidates
from pipelines.llm import cache, costs, readiness
from pipelines.llm.ask import CACHE
from pipelines.llm.service_cost import ServiceCost
from pipelines.llm.settings import LOCAL
from pipelines.llm.values import Failure, Reply

LIBRARIES: Final = ("numpy", "openai", "pillow")
REASONS: Final = 10


class HostedImages(Generator[NoSettings, HostedImagesGenerate]):
    """Images that a service draws."""

    name = "hosted_images"
    version = VERSION
    FitSettings = NoSettings
    GenerateSettings = HostedImagesGenerate
    attribution = "prompted/1"
    modalities = ("image",)
    opaque_share = 1.0
    no_replay = "a service drew its images, and draws others when it is asked again"

    def reads(self, settings: HostedImagesGenerate) -> tuple[tuple[str, int], ...]:
        """Return the round of another data set whose rows are the prompts."""
        return settings.prompts.rounds

    def check_ready(self, settings: HostedImagesGenerate) -> None:
        """Check that the service can be asked, and that its price is known where there is a budget.

        Raises:
            ServiceError: It has no key.
            GeneratorError: The settings do not fit together.
        """
        service = settings.service
        if service.model == LOCAL:
            raise GeneratorError(
                "the local model writes texts and draws nothing; name a model that draws in "
                "generate.hosted_images.service.model"
            )
        if service.batch:
            raise GeneratorError("hosted_images asks for one picture at a time; set batch to false")
        own = sorted({"model", "prompt", "n", "stream"} & set(service.extra_body))
        if own:
            raise GeneratorError(
                f"generate.hosted_images.service.extra_body sets {own[0]}, which a request for one "
                "picture has of its own; take it out"
            )
        if service.budget_usd is not None and service.model not in settings.image_prices:
            raise GeneratorError(
                f"budget_usd needs to know what a picture of {service.model} costs: add it to "
                "generate.hosted_images.image_prices, in dollars"
            )
        readiness.check(service)

    def check_rows(self, rows: pl.DataFrame, request: HostedRequest) -> None:
        """Check that prompts can be made of the rows.

        Raises:
            GeneratorError: they lack a column, or it holds no texts.
        """
        checks.check(rows, request.settings.prompts, request.dataset)

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002  nothing is learnt
        """Keep the rows of the mix, by which labels and prompts are drawn."""
        pools.write(samples, directory, self.version)

    def plan(self, request: HostedRequest) -> GeneratePlan[HostedImagesGenerate]:
        """Draw the prompts of all candidates.

        Raises:
            GeneratorError: rows of the mix are damaged, or prompts cannot be made of them.
        """
        pool = pools.read(request)
        prompts = draws.drawn(request, request.settings.prompts, pool)
        return GeneratePlan(request, request.shards(), Pictures(request, pool, prompts))

    def generate(
        self, plan: GeneratePlan[HostedImagesGenerate], shard: Shard
    ) -> Iterator[GenerateBatch]:
        """Give the pictures of a shard; a request that failed for good gives no row.

        Raises:
            GeneratorError: no request of the round was answered.
            ServiceError: as `Pictures.of`.
        """
        pictures: Pictures = plan.content
        own, drawn = pictures.drawn(shard)
        if own:
            yield GenerateBatch(
                candidates.prompted(plan.request, shard, own, np.stack(drawn)), draws.parents(own)
            )

    def report(self, plan: GeneratePlan[HostedImagesGenerate]) -> GenerateReport:
        """Say who drew, what it cost and what failed."""
        pictures: Pictures = plan.content
        service = plan.request.settings.service
        answers = [pictures.answered[row] for row in sorted(pictures.answered)]
        replies = [each for each in answers if isinstance(each, Reply)]
        failed = [each for each in answers if isinstance(each, Failure)]
        licence = {} if service.resolved_licence is None else {"licence": service.resolved_licence}
        reasons = Counter(each.reason for each in failed)
        attempts = sum(each.attempts for each in answers)
        return GenerateReport(
            environment={
                "generator": VERSION,
                "python": platform.python_version(),
                **{name: version(name) for name in LIBRARIES},
                "model": service.model,
                "served": sorted({each.model for each in replies}),
                **licence,
            },
            cost={**asdict(costs.total(answers)), "attempts": attempts},
            facts={
                "asked": len(answers),
                "failed": len(failed),
                "reasons": dict(reasons.most_common(REASONS)),
                **draws.facts(pictures.prompts, pictures.pool),
            },
            exchanges=transcript.table(pictures),
            unmade=reasons,
            maker=digests.of_json({"model": service.model}),
        )

    def cost(
        self,
        samples: pl.DataFrame,
        fit: NoSettings,
        seed: int,
        request: GenerateRequest[Any],
    ) -> Sequence[ServiceCost]:
        """Count the pictures that the round would ask for; those that are kept cost nothing.

        Raises:
            GeneratorError: prompts cannot be made of the rows.
        """
        with tempfile.TemporaryDirectory(prefix="stemma-estimate-") as directory:
            self.fit(samples, fit, seed, Path(directory))
            content = self.plan(replace(request, directory=Path(directory))).content
        pictures: Pictures = content
        service = request.settings.service
        expected = pictures.requests[: request.expected]
        cached = cache.answered(CACHE, [each.digest for each in expected])
        return [ServiceCost(service, costs.estimate(expected, service, cached), pictures=True)]
