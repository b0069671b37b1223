"""Generator `interpolation`: candidates between a row of the mix and one of its neighbours.

After SMOTE and, for tables, SMOTE-NC (Chawla et al. 2002, "SMOTE: Synthetic Minority Over-sampling
Technique", JAIR 16, doi 10.1613/jair.953): a row is drawn by its weight, one of its closest rows of
the same label, and a share at random. Rows of a table are near by Gower's distance, images by the
RMS distance of their pixels. Numbers, times and pixels lie between those of the two by that share;
a category, and a null on one side alone, is that of one of the two, by that chance. So the two rows
are the exact parents of a candidate, and the share their weights.

Values stay in the types of the mix. A whole number becomes the nearest one that the mix has, a
float is rounded to the digits of its column, a time to its steps. A row that is the only one of its
label has no neighbour and no candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.features.tables import between
from pipelines.generators import pool as pools
from pipelines.generators.exact_parents import ExactParents, candidates
from pipelines.generators.interpolation import neighbours, pixels
from pipelines.generators.interpolation.settings import InterpolationGenerate
from pipelines.generators.pool import Pool, Rows
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
)

STEPS: Final = 1024
"""Shares are multiples of one over this, so that the weights of two parents add up to 1 exactly."""


class Interpolation(ExactParents[InterpolationGenerate]):
    """Candidates between two rows of the mix, which are their exact parents."""

    name = "interpolation"
    version = "interpolation/1"
    GenerateSettings = InterpolationGenerate
    attribution = "interpolated/1"
    modalities = ("table", "image")

    def plan(
        self, request: GenerateRequest[InterpolationGenerate]
    ) -> GeneratePlan[InterpolationGenerate]:
        """Read the rows of the mix.

        Raises:
            GeneratorError: they are damaged, or none has a neighbour.
        """
        pool = pools.read(request)
        if not pool.has_neighbour.any():
            raise GeneratorError(
                "interpolation needs two rows of one label, and the training mix has none"
            )
        return GeneratePlan(request, request.shards(), pool)

    def generate(
        self, plan: GeneratePlan[InterpolationGenerate], shard: Shard
    ) -> Iterator[GenerateBatch]:
        """Draw two parents for each row, and mix them."""
        pool: Pool = plan.content
        draw = np.random.default_rng(shard.seed)
        first = neighbours.drawn(pool, len(shard.rows), draw)
        second = neighbours.of(pool, first, plan.request.settings.neighbours, draw)
        least = max(1, round(plan.request.settings.least_share * STEPS))
        share = draw.integers(least, STEPS - least + 1, len(first)) / STEPS
        rows = pl.Series("row", shard.rows, dtype=pl.Int64)
        made = candidates(_mixed(pool, first, second, share, draw), shard, plan.request.identity)
        parents = pl.concat([
            pools.parents(plan.request.dataset, rows, pool.keys[first], 1 - share),
            pools.parents(plan.request.dataset, rows, pool.keys[second], share),
        ])  # fmt: skip
        yield GenerateBatch(made, parents)

    def report(self, plan: GeneratePlan[InterpolationGenerate]) -> GenerateReport:
        """Report the libraries, and how many rows have no neighbour."""
        pool: Pool = plan.content
        pillow = {"pillow": version("pillow")} if pixels.has_image(pool) else {}
        alone = int((~pool.has_neighbour).sum())
        facts = {"alone": alone} if alone else {}
        return GenerateReport({**pools.environment(), **pillow}, facts=facts)


def _mixed(
    pool: Pool,
    first: Rows,
    second: Rows,
    share: NDArray[np.float64],
    draw: np.random.Generator,
) -> pl.DataFrame:
    """Mix rows of the mix, `share` of each being of the second; what no share divides is drawn."""
    left, right = pool.payload[first], pool.payload[second]
    if not pixels.has_image(pool):
        return between.rows(left, right, share, pool.payload, draw)
    rest = pool.payload.columns
    rest.remove(pixels.IMAGE)
    images = pixels.mixed(left[pixels.IMAGE], right[pixels.IMAGE], share)
    others = between.rows(left[rest], right[rest], share, pool.payload[rest], draw)
    return others.with_columns(images).select(pool.payload.columns)
