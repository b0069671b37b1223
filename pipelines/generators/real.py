"""Real rows that arrive after round 0: a round that no generator makes.

In params.yaml such a round is written as others are, `generator: real`, so that its rows are
verified, curated, measured and judged before they are published. Its stage `generate` reads them
from their source (`pipelines.rounds.arrivals`); this class holds the settings alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import polars as pl
from pydantic import Field

from lake.files import write_json
from pipelines.common.errors import GeneratorError
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generators import model_folder
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    Generator,
)

NAME: Final = "real"
VERSION: Final = "real/1"


class RealFit(StrictModel):
    """There is nothing to fit."""


class RealGenerate(StrictModel):
    """Where the rows are, and which state of that place this round takes."""

    source: str = ""
    """As `ingest.source`; columns are read as `ingest` names them."""
    settings: Mapping[str, Any] = {}
    """The source's own, where it has any."""
    columns: Mapping[str, str] = {}
    """What this source calls its columns, by the names that the source of round 0 has for them,
    where they differ."""
    digest: str = Field("", pattern="^([0-9a-f]{64})?$")
    """SHA-256 of the source as this round reads it, which `stemma dataset update` writes."""
    licence: str | None = None
    """Licence of the rows; None: what `ingest` or the source says."""


class Real(Generator[RealFit, RealGenerate]):
    """Rows of a source, none of them generated."""

    name = NAME
    version = VERSION
    FitSettings = RealFit
    GenerateSettings = RealGenerate
    attribution = "none"
    no_replay = "its rows are real: no generator made them"

    def fit(self, samples: pl.DataFrame, settings: RealFit, seed: int, directory: Path) -> None:  # noqa: ARG002  of the protocol
        """Write that nothing was learnt."""
        directory.mkdir(parents=True, exist_ok=True)
        content = {"kind": VERSION, "rows": len(samples), "settings": {}, "seed": seed}
        write_json(directory / model_folder.MANIFEST, content)

    def generate(self, plan: GeneratePlan[RealGenerate], shard: Shard) -> Iterator[GenerateBatch]:  # noqa: ARG002  of the protocol
        """Refuse: rows of a source are read by the stage, and never made.

        Raises:
            GeneratorError: always.
        """
        _refuse()

    def report(self, plan: GeneratePlan[RealGenerate]) -> GenerateReport:  # noqa: ARG002  of the protocol
        """Refuse, as `generate` does.

        Raises:
            GeneratorError: always.
        """
        _refuse()


def _refuse() -> NoReturn:
    raise GeneratorError("real rows are read from their source by the stage `generate`, not made")
