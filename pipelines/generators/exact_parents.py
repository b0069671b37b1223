"""A generator that makes each candidate of rows of the mix, which are its exact parents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lineage.identity import sample_ids
from pipelines.common.plugins import NoSettings
from pipelines.common.shards import Shard
from pipelines.generators import pool as pools
from pipelines.generators.protocol import GenerateRequest, GenerateResult, Generator, Own


class ExactParents(Generator[NoSettings, Own]):
    """Learns nothing: it keeps the rows of the mix, and makes a shard again by the same draws."""

    FitSettings = NoSettings

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002  it learns by heart
        """Keep the rows of the mix."""
        pools.write(samples, directory, self.version)

    def replay(
        self,
        request: GenerateRequest[Own],
        shard: Shard,
        recorded: Mapping[str, Any],  # noqa: ARG002  nothing of it changes a bit
    ) -> GenerateResult:
        """Make a shard again.

        Raises:
            GeneratorError: as `plan`.
        """
        plan = self.plan(request)
        return pools.result(self.generate(plan, shard), self.report(plan))


def candidates(payload: pl.DataFrame, shard: Shard, identity: tuple[str, ...]) -> pl.DataFrame:
    """Number the payload of a shard's candidates, and give them their seed and sample ids.

    Args:
        payload: of all candidates of the shard, in their order, [n].
        shard: they are its rows.
        identity: columns that sample ids are made of.

    Returns:
        As `GenerateBatch.candidates`, [n].
    """
    numbered = payload.with_columns(
        pl.Series("row", shard.rows, dtype=pl.Int64),
        pl.lit(shard.seed, pl.Int64).alias("seed"),
        pl.lit(shard.index, pl.Int32).alias("shard"),
    )
    return numbered.with_columns(sample_ids(numbered, identity).alias("sample_id"))
