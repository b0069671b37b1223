"""Generator `simulate`: a function makes each candidate of a seed of its own.

The rows have no parents and come from no data: they stand for code. In lineage their backward walks
end there, at a root that is not real, with the simulator's name and licence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake.files import write_json
from lineage import schema
from lineage.identity import sample_ids
from pipelines.common import digests, parquet
from pipelines.common.errors import GeneratorError
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.common.shards import Shard
from pipelines.generators import model_folder
from pipelines.generators.protocol import (
    STAGE,
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
    Generator,
)
from pipelines.generators.simulate import rows, simulator
from pipelines.generators.simulate.settings import SimulateGenerate
from pipelines.generators.simulate.simulator import Simulator

COLUMNS: Final = "columns.parquet"
"""The payload columns of the mix, without rows."""
OWN: Final = (*schema.SAMPLE_KEY, "weight")
"""Columns of a mix that are no payload."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a round is made by, and of which columns."""

    simulator: Simulator
    columns: pl.Schema
    required: tuple[str, ...]


class Simulate(Generator[NoSettings, SimulateGenerate]):
    """Rows that a function makes, one of each seed."""

    name = "simulate"
    version = "simulate/1"
    FitSettings = NoSettings
    GenerateSettings = SimulateGenerate
    attribution = schema.SIMULATED
    opaque_share = 1.0
    reads_data = True

    def files(self, settings: NoSettings | SimulateGenerate) -> tuple[Path, ...]:
        """Return the file of the user's function, and those that it reads."""
        if not isinstance(settings, SimulateGenerate):
            return ()
        path = simulator.source_file(settings)
        return (*(() if path is None else (path,)), *map(Path, settings.files))

    def check_ready(self, settings: SimulateGenerate) -> None:
        """Check that there is such a function, and that it takes the arguments.

        Raises:
            ParamsError: there is not, or it does not.
            LibraryError: a simulator of this package needs a library that is not installed.
        """
        simulator.load(settings)

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002  nothing is learnt
        """Keep the columns of the mix."""
        directory.mkdir(parents=True, exist_ok=True)
        samples.select(pl.exclude(OWN)).clear().write_parquet(directory / COLUMNS)
        write_json(directory / model_folder.MANIFEST, {"kind": self.version, "rows": 0})

    def plan(self, request: GenerateRequest[SimulateGenerate]) -> GeneratePlan[SimulateGenerate]:
        """Load the function, and make the first row twice.

        Raises:
            GeneratorError: the first row fails, lacks a column, or differs from itself.
            ParamsError: as `check_ready`.
        """
        columns = parquet.read(request.directory / COLUMNS).schema
        required = [each for each in request.answers if each in columns]
        wanted = tuple(dict.fromkeys((*request.identity, *required)))
        content = Content(simulator.load(request.settings), columns, wanted)
        first, again = (_table(request, content, range(1)) for _ in range(2))
        if not first.equals(again):
            raise GeneratorError(
                f"the simulator {content.simulator.reference!r} gives two rows for one seed; it "
                "must draw from its seed alone, and read no clock and no shared state"
            )
        return GeneratePlan(request, request.shards(), content)

    def generate(
        self, plan: GeneratePlan[SimulateGenerate], shard: Shard
    ) -> Iterator[GenerateBatch]:
        """Call the function for each row of a shard.

        Raises:
            GeneratorError: it fails, or its rows are not those of the data set.
        """
        request, content = plan.request, plan.content
        candidates = _table(request, content, shard.rows).with_columns(
            pl.Series("row", shard.rows, dtype=pl.Int64),
            pl.Series("seed", [seed_of(request, row) for row in shard.rows], dtype=pl.Int64),
            pl.lit(shard.index, pl.Int32).alias("shard"),
        )
        ids = sample_ids(candidates, request.identity).alias("sample_id")
        yield GenerateBatch(candidates.with_columns(ids))

    def replay(
        self,
        request: GenerateRequest[SimulateGenerate],
        shard: Shard,
        recorded: Mapping[str, Any],  # noqa: ARG002  the comparison says what differs
    ) -> GenerateResult:
        """Call the function again for each row of a shard.

        Raises:
            GeneratorError: as `plan`.
        """
        plan = self.plan(request)
        candidates = pl.concat(each.candidates for each in self.generate(plan, shard))
        return GenerateResult(candidates, None, self.report(plan))

    def report(self, plan: GeneratePlan[SimulateGenerate]) -> GenerateReport:
        """Say which function it was, and of which bytes."""
        content: Content = plan.content
        own = content.simulator
        path = simulator.source_file(plan.request.settings)
        code = None if path is None else digests.of_file(path)
        further = [_digest(Path(each)) for each in plan.request.settings.files]
        read = digests.of_json(further) if further else None
        known = {"model": own.source, "licence": own.licence, "code": code, "files": read}
        environment = {**{name: value for name, value in known.items() if value}, **own.versions}
        facts = {"function": own.reference, "source": own.source, "licence": own.licence}
        return GenerateReport(
            environment,
            facts={"simulator": facts},
            maker=digests.of_json(
                {"function": own.reference, "code": code, **({"files": read} if read else {})}
            ),
            source=own.source,
            licence=own.licence,
        )


def seed_of(request: GenerateRequest[Any], row: int) -> int:
    """Derive the seed of a candidate, in [0, 2^63)."""
    parts = (request.dataset, request.round, STAGE, "simulate", row)
    return derive_seed(request.seed, *parts)


def _digest(path: Path) -> str | None:
    """Digest a file or folder that the function reads; None where it is gone."""
    try:
        return digests.of_file(path)
    except OSError:
        return None


def _table(
    request: GenerateRequest[SimulateGenerate], content: Content, numbers: range
) -> pl.DataFrame:
    """Make rows by their numbers."""
    made = [content.simulator.row(seed_of(request, row), row) for row in numbers]
    reference = content.simulator.reference
    return rows.table(made, numbers.start, content.columns, content.required, reference)
