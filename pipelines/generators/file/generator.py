"""Candidates of a file as a round: nothing is fitted, and nothing is made.

`fit` keeps what parents are looked up in, the ids of the training mix, and the columns that a
candidate needs. `generate` reads the file with the readers of real data, typed as the data set is.
The file's digest is in the key of stage `generate`, so a changed file makes the round again.
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
from pipelines.common import console, digests, parquet, shards
from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.generators import model_folder
from pipelines.generators.file import parents
from pipelines.generators.file.settings import VERSION, FileFit, FileGenerate
from pipelines.generators.protocol import (
    STAGE,
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    Generator,
)

RULE: Final = "named-parents/1"
ROWS: Final = "rows.parquet"
"""Round, row and sample id of each row of the mix."""
COLUMNS: Final = "columns.parquet"
"""The payload columns of the mix, without rows."""
LABEL: Final = "label"
OWN: Final = (*schema.SAMPLE_KEY, "weight")
"""Columns of a mix that are no payload."""


@dataclass(frozen=True, slots=True)
class Content:
    """The candidates of a file."""

    payload: pl.DataFrame
    parents: pl.DataFrame | None
    """As `lineage.edges.PARENT`; None if no column names any."""
    facts: dict[str, Any]
    """What the round's manifest says of the file."""


class File(Generator[FileFit, FileGenerate]):
    """Rows of a table or of a folder of images, made elsewhere."""

    name = "file"
    version = VERSION
    FitSettings = FileFit
    GenerateSettings = FileGenerate
    attribution = RULE
    opaque_share = 1.0
    reads_data = True
    no_replay = "its candidates were made elsewhere and read from a file, whose digest is recorded"

    def files(self, settings: FileFit | FileGenerate) -> tuple[Path, ...]:
        """Return the file of the candidates."""
        path = settings.path if isinstance(settings, FileGenerate) else ""
        return (Path(path),) if path else ()

    def fit(self, samples: pl.DataFrame, settings: FileFit, seed: int, directory: Path) -> None:
        """Keep ids and columns of a mix."""
        directory.mkdir(parents=True, exist_ok=True)
        samples.select(*schema.SAMPLE_KEY).write_parquet(directory / ROWS)
        payload = samples.select(pl.exclude(OWN))
        payload.clear().write_parquet(directory / COLUMNS)
        manifest = {
            "kind": VERSION,
            "rows": len(samples),
            "columns": payload.columns,
            "attribution": self.attribution,
            "settings": settings.model_dump(mode="json"),
            "seed": seed,
        }
        write_json(directory / model_folder.MANIFEST, manifest)

    def plan(self, request: GenerateRequest[FileGenerate]) -> GeneratePlan[FileGenerate]:
        """Read the file.

        Raises:
            DataError: it cannot be read, or its columns have the wrong types.
            GeneratorError: it is not named, lacks a column, or names a parent that is none.
        """
        content = _content(request)
        parts = request.dataset, request.round, STAGE
        rows = len(content.payload)
        planned = shards.split(rows, request.shard_rows, *parts, root=request.seed)
        return GeneratePlan(request, tuple(planned), content)

    def generate(self, plan: GeneratePlan[FileGenerate], shard: Shard) -> Iterator[GenerateBatch]:
        """Give the rows of a shard, with the parents that they name."""
        content: Content = plan.content
        payload = content.payload[shard.start : shard.stop]
        candidates = payload.with_columns(
            pl.int_range(shard.start, shard.stop, dtype=pl.Int64, eager=True).alias("row"),
            pl.lit(shard.seed, pl.Int64).alias("seed"),
            pl.lit(shard.index, pl.Int32).alias("shard"),
            sample_ids(payload, plan.request.identity).alias("sample_id"),
        )
        named = content.parents
        of_shard = pl.col("row").is_between(shard.start, shard.stop, closed="left")
        yield GenerateBatch(candidates, None if named is None else named.filter(of_shard))

    def report(self, plan: GeneratePlan[FileGenerate]) -> GenerateReport:
        """Say which file it was."""
        content: Content = plan.content
        said = {
            "model": plan.request.settings.generator,
            "licence": plan.request.settings.licence,
        }
        known = {name: value for name, value in said.items() if value}
        environment = {"file": content.facts["sha256"], **known}
        facts = {"file": content.facts}
        return GenerateReport(environment=environment, facts=facts, maker=content.facts["sha256"])


def _content(request: GenerateRequest[FileGenerate]) -> Content:
    """Read the candidates of a file, say what is used, and look up their parents."""
    settings = request.settings
    if not settings.path:
        raise GeneratorError("generate.file.path is missing; name the file of the candidates")
    if request.read is None:
        raise GeneratorError("the generator file needs a reader of tables; run it as a stage")
    digest = digests.of_file(Path(settings.path)) if Path(settings.path).exists() else ""
    frame = request.read(settings.path, settings.label)
    used = frame.head(settings.rows or len(frame))
    payload = _payload(used, parquet.read(request.directory / COLUMNS).schema, request)
    linked = _parents(used, request)
    others = [
        name
        for name in frame.columns
        if name not in {*payload.columns, settings.parents, settings.label}
    ]
    facts = {
        "path": settings.path,
        "sha256": digest,
        "rows": len(frame),
        "used": len(used),
        "passed_over": others,
        "named_parents": 0 if linked is None else len(linked),
        "generator": settings.generator,
        "licence": settings.licence,
    }
    console.line(_said(facts))
    return Content(payload, linked, facts)


def _payload(
    frame: pl.DataFrame, columns: pl.Schema, request: GenerateRequest[FileGenerate]
) -> pl.DataFrame:
    """Select the columns of the data set; those besides content and label may be missing."""
    path = request.settings.path
    answers = [name for name in request.answers if name in columns]
    missing = [name for name in (*request.identity, *answers) if name not in frame.columns]
    if missing:
        named = "; name it under generate.file.label" if missing[0] == LABEL else ""
        raise GeneratorError(f"{path} has no column {missing[0]!r}, which the data set has{named}")
    typed = [
        _cast(frame[name], columns[name], path)
        for name in dict.fromkeys((*request.identity, *answers))
    ]
    used = frame.with_columns(typed)
    return used.select(name for name in columns if name in used.columns)


def _cast(values: pl.Series, kind: pl.DataType, path: str) -> pl.Series:
    """Give a column the type that the data set has; only a number becomes another one."""
    if values.dtype == kind:
        return values
    numbers = values.dtype.is_numeric() and kind.is_numeric()
    cast = values.cast(kind, strict=False) if numbers or values.dtype == pl.Null else None
    same = cast is not None and cast.cast(values.dtype, strict=False).equals(values)
    if cast is None or not same:
        raise GeneratorError(
            f"{path}: column {values.name!r} is {values.dtype}, and {kind} in the data set; write "
            "it as there"
        )
    return cast


def _parents(frame: pl.DataFrame, request: GenerateRequest[FileGenerate]) -> pl.DataFrame | None:
    settings = request.settings
    if settings.parents is None:
        return None
    if settings.parents not in frame.columns:
        raise GeneratorError(
            f"{settings.path} has no column {settings.parents!r}, which generate.file.parents "
            f"names; it has: {', '.join(frame.columns)}"
        )
    mix = parquet.read(request.directory / ROWS)
    return parents.edges_of(
        frame[settings.parents],
        parents.Known.of(request.dataset, request.round, mix),
        relation=settings.relation,
        weight=settings.weight,
        where=f"{settings.path}, column {settings.parents!r}",
    )


def _said(facts: Mapping[str, Any]) -> str:
    others = facts["passed_over"]
    passed = f"; columns passed over: {', '.join(others)}" if others else ""
    return (
        f"{facts['path']}: {facts['used']:,} of {facts['rows']:,} rows are candidates, with "
        f"{facts['named_parents']:,} named parents{passed}"
    )
