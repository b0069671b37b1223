"""Replay a shard: make it again from its record in the lake, and compare it with the record.

The record is the round's generate commit: generator, settings, seed and the candidates themselves.
Where version, libraries, processor and threads are those of the record, our generators must produce
the same bits. Where one of them differs, they may not, and the comparison says by how much.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.errors import PurgedError, ReplayError
from pipelines.common.settings import parse
from pipelines.common.shards import Shard
from pipelines.generators import model_folder
from pipelines.generators.protocol import GenerateRequest, Replays
from pipelines.generators.registry import GENERATORS
from pipelines.inquiry import shard_comparison
from pipelines.params import Dataset
from pipelines.rounds import history, manifest, model_store, pinned_samples, purges


@dataclass(frozen=True, slots=True)
class Record:
    """What the lake holds about a shard."""

    dataset: str
    round: int
    shard: int
    seed: int
    """Of the shard; where each row has a seed of its own, that of the first one."""
    has_row_seeds: bool
    commit: str
    """The round's generate commit."""
    generator: str
    """Digest of the generator's manifest, from lineage."""
    rows: pl.DataFrame
    """Columns row and sample_id, from lineage, and the payload, from the generate commit."""
    manifest: Mapping[str, Any]
    """The round's manifest at the generate commit."""


@dataclass(frozen=True, slots=True)
class ReplayedShard:
    """A shard that was made again."""

    rows: pl.DataFrame
    """Columns row and sample_id, and the payload."""
    environment: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EnvironmentValue:
    """A value of the environment that the bits depend on, then and now; None: not recorded."""

    name: str
    recorded: Any
    present: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded shard compared with the replayed one."""

    record: Record
    differing: pl.DataFrame
    """The rows whose id or payload differs: row, recorded and replayed (sample ids), difference.

    The difference is the largest of a pixel, in grey levels of 255, and null without images.
    """
    environment: tuple[EnvironmentValue, ...]

    @property
    def identical(self) -> bool:
        """Whether every id and every payload byte of the shard is the same."""
        return self.differing.is_empty()

    @property
    def environment_changes(self) -> tuple[EnvironmentValue, ...]:
        """The values of the environment that differ, or were not recorded."""
        return tuple(value for value in self.environment if value.recorded != value.present)

    @property
    def broken(self) -> bool:
        """Whether the shard differs although the environment is the same."""
        return not self.identical and not self.environment_changes


def replay(lake: Lake, commit: str, dataset: str, number: int, shard: int) -> Replay:
    """Make a shard again and compare it with its record.

    Args:
        lake: The lake.
        commit: A commit that holds the round.
        dataset: The data set.
        number: The round's number, at least 1.
        shard: The shard's number in lineage.

    Raises:
        ReplayError: The record is incomplete, or names a generator that cannot be replayed.
    """
    record = _record(lake, commit, dataset, number, shard)
    _refuse_purged(lake, record)
    reference, generator = _generator(record)
    replayed = _replayed(lake, record, reference, generator)
    recorded = record.manifest.get("environment", {})
    environment = tuple(
        EnvironmentValue(name, recorded.get(name), replayed.environment.get(name))
        for name in {**replayed.environment, **recorded}
    )
    return Replay(record, shard_comparison.differing(record.rows, replayed.rows), environment)


def _refuse_purged(lake: Lake, record: Record) -> None:
    """Refuse to replay a shard of which rows, or files of its generator, were purged.

    Raises:
        PurgedError: some were.
    """
    lost = purges.of_lake(lake)
    parts = (
        refs.partition(record.dataset, table, record.round)
        for table in ("candidates", model_store.TABLE)
    )
    held = {item.checksum for part in parts for item in lake.objects(record.commit, part)}
    names = {
        done.takedown for done in lost.records for item in done.objects if item.cleaned.md5 in held
    }
    if names:
        raise PurgedError(
            f"round {record.round} of {record.dataset} cannot be replayed: rows of it, or of what "
            f"its generator learned from, were purged by the take-down {', '.join(sorted(names))}"
        )


def _record(lake: Lake, commit: str, dataset: str, number: int, shard: int) -> Record:
    """Read the record of a shard.

    Raises:
        ReplayError: The record is incomplete.
    """
    generated = history.generated(lake, dataset, number, commit)
    if generated is None:
        raise ReplayError(
            f"{commit[:12]} does not lead to the commit that generated round {number} of {dataset}"
        )
    try:
        content = manifest.read(lake, generated.id, dataset, number)
        candidates = lake.scan(generated.id, refs.partition(dataset, "candidates", number))
        lineage = lake.scan(commit, refs.partition(dataset, "lineage", number))
    except NotFoundError as error:
        raise ReplayError(
            f"the record of round {number} of {dataset} is incomplete: {error}"
        ) from error
    own = lineage.filter(pl.col("shard") == shard)
    rows = own.select("row", "sample_id", "seed", "generator").collect().sort("row")
    if rows.is_empty():
        raise ReplayError(f"round {number} of {dataset} has no shard {shard}")
    in_shard = pl.col("row").is_between(rows["row"].min(), rows["row"].max())
    payload = candidates.filter(in_shard).drop("round", "sample_id").collect()
    return Record(
        dataset=dataset,
        round=number,
        shard=shard,
        seed=rows["seed"][0],
        has_row_seeds=rows["seed"].n_unique() > 1,
        commit=generated.id,
        generator=rows["generator"][0],
        rows=rows.select("row", "sample_id").join(
            payload, on="row", how="left", maintain_order="left"
        ),
        manifest=content,
    )


def _generator(record: Record) -> tuple[str, Replays]:
    """Load the generator of a round, with its reference.

    Raises:
        ReplayError: The generator cannot be replayed.
        ParamsError: The generator is one of the user's own and cannot be imported.
    """
    section = record.manifest["generator"] or {}
    kind = str(section.get("kind"))
    reference = section.get("reference") or kind.partition("/")[0]
    foreign = "reference" not in section and reference not in GENERATORS.names()
    generator: Any = None if foreign else GENERATORS.load(reference)
    if isinstance(generator, Replays):
        return reference, generator
    ours = map(GENERATORS.load, GENERATORS.names())
    reason = getattr(generator, "no_replay", "")
    why = f", because {reason}" if reason else ""
    able = [own.version for own in ours if isinstance(own, Replays)]
    raise ReplayError(
        f"round {record.round} of {record.dataset} was made by a generator of kind {kind}, which "
        f"cannot be replayed{why}; those that can: {', '.join(able)}"
    )


def _replayed(lake: Lake, record: Record, reference: str, generator: Replays) -> ReplayedShard:
    """Make the shard again with the generator that is stored with the generate commit."""
    with tempfile.TemporaryDirectory(prefix="stemma-replay-") as folder:
        request = _request(lake, record, reference, Path(folder))
        planned = next((part for part in request.shards() if part.index == record.shard), None)
        if planned is None:
            raise ReplayError(
                f"the settings of round {record.round} of {record.dataset} make no shard "
                f"{record.shard}; its manifest or its lineage was altered"
            )
        shard = Shard(planned.index, planned.start, planned.stop, record.seed)
        result = generator.replay(request, shard, record.manifest.get("environment", {}))
    payload = [name for name in record.rows.columns if name in result.candidates.columns]
    rows = result.candidates.sort("row").select(payload)
    denied = _denied(record)
    # Rows that could not be made left no gap in the record; those that were taken down did.
    first = pl.concat([record.rows["row"], denied]).min()
    dense = pl.int_range(pl.len(), dtype=pl.Int64) + pl.lit(first, pl.Int64)
    numbered = rows.with_columns(dense.alias("row"))
    kept = numbered.filter(~pl.col("row").is_in(denied.implode()))
    return ReplayedShard(kept, result.report.environment)


def _denied(record: Record) -> pl.Series:
    """The rows of a shard that were made and not written, because they were taken down."""
    by_shard = (record.manifest.get("generation") or {}).get("denied") or {}
    rows = by_shard.get(str(record.shard), []) if isinstance(by_shard, Mapping) else []
    return pl.Series("row", [row for row in rows if isinstance(row, int)], dtype=pl.Int64)


def _request(lake: Lake, record: Record, reference: str, folder: Path) -> GenerateRequest[Any]:
    """Build the round's request, and download its generator's files into a folder."""
    names = model_store.download(lake, record.commit, record.dataset, record.round, folder)
    if model_folder.MANIFEST not in names:
        prefix = refs.partition(record.dataset, model_store.TABLE, record.round)
        raise ReplayError(
            f"the generator of round {record.round} of {record.dataset} is gone: {prefix} at "
            f"{record.commit[:12]} is empty"
        )
    _, of_folder = model_folder.read_manifest(folder)
    maker = (record.manifest["generator"] or {}).get("maker")
    digest = model_folder.identity(of_folder, maker)
    if digest != record.generator:
        raise ReplayError(
            f"the generator at {record.commit[:12]} is {digest[:12]}, not {record.generator[:12]}, "
            f"which lineage names for round {record.round} of {record.dataset}"
        )
    request = recorded_request(record.dataset, record.round, record.manifest, reference, folder)
    commits = record.manifest.get("generation", {}).get("parents") or {}
    return replace(request, samples=pinned_samples.reader(lake, commits))


def recorded_request(
    dataset: str, number: int, content: Mapping[str, Any], reference: str, folder: Path
) -> GenerateRequest[Any]:
    """Build the request of a round from its manifest.

    Args:
        dataset: the data set.
        number: of the round.
        content: the round's manifest.
        reference: of its generator.
        folder: the generator's files.

    Raises:
        ParamsError: this release does not take the settings.
    """
    where = f"the manifest of round {number} of {dataset}"
    settings = parse(Dataset, content["settings"], where)
    return settings.generate_request(reference, dataset, number, content["seed"], folder)
