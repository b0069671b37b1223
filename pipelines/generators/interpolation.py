"""Generator `interpolation`: rows of a table between a row of the mix and one of its neighbours.

After SMOTE-NC (Chawla et al. 2002, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16,
doi 10.1613/jair.953): a row is drawn by its weight, one of its closest rows of the same label by
Gower's distance, and a share at random. Numbers and times lie between those of the two by that
share; a category, and a null on one side alone, is that of one of the two, by that chance. So the
two rows are the exact parents of a candidate, and the share their weights.

Values stay in the types of the mix. A whole number becomes the nearest one that the mix has, a
float is rounded to the digits of its column, a time to its steps. A row that is the only one of its
label has no neighbour and no candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from lake import files
from lineage import schema
from lineage.errors import SchemaError
from lineage.identity import sample_ids
from pipelines.common import parquet
from pipelines.common.errors import DataError, GeneratorError
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.features.tables import between, gower
from pipelines.generators import model_folder
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)

FILE: Final = "pool.parquet"
LABEL: Final = "label"
KNOWN: Final = pl.Schema({**schema.SAMPLE_KEY, "weight": pl.Float64()})
STEPS: Final = 1024
"""Shares are multiples of one over this, so that the weights of two parents add up to 1 exactly."""

Rows = NDArray[np.int64]


class InterpolationGenerate(StrictModel):
    """Which row the second parent is, and how much of a candidate is of either."""

    neighbours: int = Field(5, gt=0)
    """Closest rows of the same label, one of which is the second parent."""
    least_share: float = Field(0.25, ge=0, le=0.5)
    """Least share of either parent: with 0, many candidates are all but copies of one."""


class Interpolation(Generator[NoSettings, InterpolationGenerate]):
    """Rows between two rows of the mix, which are their exact parents."""

    name = "interpolation"
    version = "interpolation/1"
    FitSettings = NoSettings
    GenerateSettings = InterpolationGenerate
    attribution = "interpolated/1"

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002  it learns by heart
        """Keep the rows of the mix."""
        directory.mkdir(parents=True, exist_ok=True)
        samples.sort("round", "row").write_parquet(directory / FILE)
        about = {"kind": self.version, "rows": len(samples)}
        files.write_json(directory / model_folder.MANIFEST, about)

    def plan(
        self, request: GenerateRequest[InterpolationGenerate]
    ) -> GeneratePlan[InterpolationGenerate]:
        """Read the rows of the mix.

        Raises:
            GeneratorError: they are damaged, or none has a neighbour.
        """
        pool = read(request)
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
        first = pool.drawn(len(shard.rows), draw)
        second = pool.neighbours(first, plan.request.settings.neighbours, draw)
        least = max(1, round(plan.request.settings.least_share * STEPS))
        share = draw.integers(least, STEPS - least + 1, len(first)) / STEPS
        rows = pl.Series("row", shard.rows, dtype=pl.Int64)
        mixed = between.rows(pool.payload[first], pool.payload[second], share, pool.payload, draw)
        candidates = mixed.with_columns(
            rows,
            pl.lit(shard.seed).alias("seed"),
            pl.lit(shard.index, pl.Int32).alias("shard"),
        )
        ids = sample_ids(candidates, plan.request.identity).alias("sample_id")
        parents = pl.concat([
            _parents(plan.request.dataset, rows, pool.keys[first], 1 - share),
            _parents(plan.request.dataset, rows, pool.keys[second], share),
        ])  # fmt: skip
        yield GenerateBatch(candidates.with_columns(ids), parents)

    def replay(
        self,
        request: GenerateRequest[InterpolationGenerate],
        shard: Shard,
        recorded: Mapping[str, Any],  # noqa: ARG002  nothing of it changes a bit
    ) -> GenerateResult:
        """Make a shard again.

        Raises:
            GeneratorError: as `plan`.
        """
        plan = self.plan(request)
        batches = list(self.generate(plan, shard))
        parents = pl.concat(each.parents for each in batches if each.parents is not None)
        return GenerateResult(
            pl.concat(each.candidates for each in batches), parents, self.report(plan)
        )

    def report(self, plan: GeneratePlan[InterpolationGenerate]) -> GenerateReport:
        """Report the libraries, and how many rows have no neighbour."""
        pool: Pool = plan.content
        environment = {"polars": pl.__version__, "numpy": np.__version__}
        alone = int((~pool.has_neighbour).sum())
        return GenerateReport(environment, facts={"alone": alone} if alone else {})


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The rows of the mix."""

    keys: pl.DataFrame
    """round, row and weight, [m]."""
    payload: pl.DataFrame
    """Content and answer, [m]."""
    features: tuple[str, ...]
    """Columns by which rows are near: all but the label."""

    @property
    def label(self) -> NDArray[Any]:
        """The label of each row as a number, [m]."""
        if LABEL not in self.payload.columns:
            return np.zeros(len(self.payload), dtype=np.int64)
        return self.payload[LABEL].rank("dense").cast(pl.Int64).to_numpy()

    @property
    def has_neighbour(self) -> NDArray[np.bool_]:
        """Whether another row has the same label, [m]."""
        _, group, counts = np.unique(self.label, return_inverse=True, return_counts=True)
        return np.asarray(counts[group] > 1)

    def drawn(self, count: int, draw: np.random.Generator) -> Rows:
        """Draw rows with a neighbour by their weights, with replacement: [count]."""
        weights = self.keys["weight"].to_numpy() * self.has_neighbour
        return draw.choice(len(weights), count, p=weights / weights.sum())

    def neighbours(self, rows: Rows, count: int, draw: np.random.Generator) -> Rows:
        """Draw one of the closest rows of the same label for each row, [n]."""
        labels, found = self.label, np.empty(len(rows), dtype=np.int64)
        place = draw.random(len(rows))
        for label in np.unique(labels[rows]):
            asked, same = np.flatnonzero(labels[rows] == label), np.flatnonzero(labels == label)
            left, right = gower.points(
                [self.payload[rows[asked]], self.payload[same]], self.features, self.payload
            )
            close = gower.closest(left, right, min(count + 1, len(same)))[1]
            others = [
                [each for each in same[row] if each != own][:count]
                for row, own in zip(close, rows[asked], strict=True)
            ]
            found[asked] = [
                each[int(share * len(each))]
                for each, share in zip(others, place[asked], strict=True)
            ]
        return found


def read(request: GenerateRequest[Any]) -> Pool:
    """Read the rows of the mix from a generator's folder.

    Raises:
        GeneratorError: they are not there or damaged.
    """
    path = request.directory / FILE
    try:
        rows = parquet.read(path)
        keys = schema.conform(rows.select(*KNOWN), KNOWN, required=tuple(KNOWN))
        columns = [*request.identity, *(each for each in request.answers if each in rows.columns)]
        payload = rows.select(*dict.fromkeys(columns))
    except (OSError, DataError, SchemaError, *schema.UNREADABLE) as error:
        raise GeneratorError(f"{path} cannot be read; run the stage fit again") from error
    weights = keys["weight"]
    if not len(rows) or not weights.is_finite().all() or not (weights > 0).all():
        raise GeneratorError(f"{path} holds no weights to draw by; run the stage fit again")
    return Pool(keys, payload, tuple(each for each in payload.columns if each != LABEL))


def _parents(
    dataset: str, rows: pl.Series, keys: pl.DataFrame, weights: NDArray[np.float64]
) -> pl.DataFrame:
    return keys.select(
        rows,
        pl.lit(dataset).alias("dataset"),
        "round",
        pl.col("row").alias("parent_row"),
        pl.lit("edited").alias("relation"),
        pl.Series("weight", weights),
    )
