"""Replay: a shard made again from its record in the lake, and compared with what was made then.

The record is the round's generate commit: generator, settings, seed and the candidates themselves.
Where code, libraries, processor and threads are those of the record, a generator of ours must give
the same bits; where one differs, it may not, and the comparison says by how much.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.errors import ReplayError
from pipelines.common.settings import parse
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators import model_folder
from pipelines.generators.protocol import GenerateRequest, Replays
from pipelines.generators.registry import GENERATORS
from pipelines.params import Dataset
from pipelines.rounds import history, manifest, model_store

WHOLE: Final = 255
"""Difference of two images of which one is missing or has another shape, in grey levels."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the lake says about a shard."""

    dataset: str
    round: int
    shard: int
    seed: int
    commit: str
    """The round's generate commit."""
    generator: str
    """Digest of the generator's manifest, as lineage has it."""
    rows: pl.DataFrame
    """row, sample_id (as lineage has them), payload (as the generate commit has it)."""
    about: Mapping[str, Any]
    """The round's manifest at the generate commit."""


@dataclass(frozen=True, slots=True)
class Again:
    """A shard as it came out now."""

    rows: pl.DataFrame
    """row, sample_id, payload."""
    environment: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the bits depend on, then and now; None: not recorded."""

    name: str
    recorded: Any
    present: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """A shard of the record beside the shard that came out now."""

    record: Record
    differing: pl.DataFrame
    """row, recorded, replayed (sample ids), difference (largest, in grey levels of 255): the rows
    whose id or payload is not the same; the difference is null where a sample is no image."""
    environment: tuple[Fact, ...]

    @property
    def identical(self) -> bool:
        """Whether every id and every payload byte of the shard is the same."""
        return self.differing.is_empty()

    @property
    def other(self) -> tuple[Fact, ...]:
        """What is not as it was, or not known to be."""
        return tuple(each for each in self.environment if each.recorded != each.present)

    @property
    def broken(self) -> bool:
        """Whether the shard must have come out identical and did not."""
        return not self.identical and not self.other


def replay(lake: Lake, commit: str, dataset: str, number: int, shard: int) -> Replay:
    """Make a shard again and compare.

    Args:
        lake: the lake.
        commit: one that holds the round.
        dataset: the data set.
        number: the round, at least 1.
        shard: the shard, as lineage names it.

    Raises:
        ReplayError: the record is not whole, or names a generator that cannot be replayed.
    """
    record = _record(lake, commit, dataset, number, shard)
    reference, generator = _generator(record)
    again = _made_again(lake, record, reference, generator)
    recorded = record.about.get("environment", {})
    facts = [
        Fact(name, recorded.get(name), again.environment.get(name))
        for name in {**again.environment, **recorded}
    ]
    return Replay(record, differing(record.rows, again.rows), tuple(facts))


def differing(recorded: pl.DataFrame, replayed: pl.DataFrame) -> pl.DataFrame:
    """The rows of which id or payload bytes are not the same; see `Replay.differing`.

    Args:
        recorded: row, sample_id, payload.
        replayed: the same.
    """
    both = recorded.join(replayed, on="row", how="full", suffix="_now", coalesce=True).sort("row")
    names = [name for name in recorded.columns if name != "row"]
    pairs = [(pl.col(name), pl.col(f"{name}_now")) for name in names]
    contents = [
        tuple(each.struct.field("bytes") for each in pair) if kind == images.IMAGE else pair
        for pair, kind in zip(pairs, recorded.select(names).dtypes, strict=True)
    ]
    same = pl.all_horizontal(then.eq_missing(now) for then, now in contents)
    found = both.filter(~same)
    return found.select(
        "row",
        pl.col("sample_id").alias("recorded"),
        pl.col("sample_id_now").alias("replayed"),
        _differences(found).alias("difference"),
    )


def _differences(rows: pl.DataFrame) -> pl.Series:
    """Largest difference of each pair of images, in grey levels; null where there are none."""
    if rows.schema.get("image") != images.IMAGE:
        return pl.Series([None] * len(rows), dtype=pl.Int64)
    left, right = (images.decode_lenient(rows[name]) for name in ("image", "image_now"))
    if left.shape != right.shape or not left.size:
        return pl.Series([WHOLE] * len(rows), dtype=pl.Int64)
    apart = np.abs(left - right) * WHOLE
    apart[np.isnan(left) & np.isnan(right)] = 0
    apart[np.isnan(apart)] = WHOLE
    return pl.Series(np.rint(apart.max(axis=(1, 2))).astype(np.int64))


def _record(lake: Lake, commit: str, dataset: str, number: int, shard: int) -> Record:
    generated = history.generated(lake, dataset, number, commit)
    if generated is None:
        raise ReplayError(
            f"{commit[:12]} does not lead to the commit that generated round {number} of {dataset}"
        )
    try:
        about = manifest.read(lake, generated.id, dataset, number)
        made = lake.scan(generated.id, refs.partition(dataset, "candidates", number))
        lineage = lake.scan(commit, refs.partition(dataset, "lineage", number))
    except NotFoundError as error:
        raise ReplayError(
            f"the record of round {number} of {dataset} is not whole: {error}"
        ) from error
    own = lineage.filter(pl.col("shard") == shard)
    rows = own.select("row", "sample_id", "seed", "generator").collect().sort("row")
    if rows.is_empty():
        raise ReplayError(f"round {number} of {dataset} has no shard {shard}")
    whole = pl.col("row").is_between(rows["row"].min(), rows["row"].max())
    payload = made.filter(whole).drop("round", "sample_id").collect()
    return Record(
        dataset=dataset,
        round=number,
        shard=shard,
        seed=rows["seed"][0],
        commit=generated.id,
        generator=rows["generator"][0],
        rows=rows.select("row", "sample_id").join(
            payload, on="row", how="left", maintain_order="left"
        ),
        about=about,
    )


def _generator(record: Record) -> tuple[str, Replays]:
    """The generator of a round, by its reference.

    Raises:
        ReplayError: it cannot be replayed.
        ParamsError: it is one of the user's own and cannot be imported.
    """
    about = record.about["generator"] or {}
    kind = str(about.get("kind"))
    reference = about.get("reference") or kind.partition("/")[0]
    foreign = "reference" not in about and reference not in GENERATORS.names()
    found: object = None if foreign else GENERATORS.load(reference)
    if isinstance(found, Replays):
        return reference, found
    ours = map(GENERATORS.load, GENERATORS.names())
    able = [each.version for each in ours if isinstance(each, Replays)]
    raise ReplayError(
        f"round {record.round} of {record.dataset} was made by a generator of kind {kind}, which "
        f"cannot be replayed; those that can: {', '.join(able)}"
    )


def _made_again(lake: Lake, record: Record, reference: str, generator: Replays) -> Again:
    """Let the generator that travels with the generate commit make the shard again."""
    with tempfile.TemporaryDirectory(prefix="stemma-replay-") as place:
        request = _request(lake, record, reference, Path(place))
        found = next((each for each in request.shards() if each.index == record.shard), None)
        if found is None:
            raise ReplayError(
                f"the settings of round {record.round} of {record.dataset} make no shard "
                f"{record.shard}; its manifest or its lineage was altered"
            )
        shard = Shard(found.index, found.start, found.stop, record.seed)
        result = generator.replay(request, shard, record.about.get("environment", {}))
    payload = [name for name in record.rows.columns if name in result.candidates.columns]
    return Again(result.candidates.select(payload), result.report.environment)


def _request(lake: Lake, record: Record, reference: str, place: Path) -> GenerateRequest[Any]:
    """What the round asked, with its generator's files in a folder."""
    names = model_store.download(lake, record.commit, record.dataset, record.round, place)
    if model_folder.MANIFEST not in names:
        prefix = refs.partition(record.dataset, model_store.TABLE, record.round)
        raise ReplayError(
            f"the generator of round {record.round} of {record.dataset} is gone: {prefix} at "
            f"{record.commit[:12]} is empty"
        )
    _, digest = model_folder.read_manifest(place)
    if digest != record.generator:
        raise ReplayError(
            f"the generator at {record.commit[:12]} is {digest[:12]}, not {record.generator[:12]}, "
            f"which lineage names for round {record.round} of {record.dataset}"
        )
    where = f"the manifest of round {record.round} of {record.dataset}"
    settings = parse(Dataset, record.about["settings"], where)
    return GenerateRequest(
        dataset=record.dataset,
        round=record.round,
        seed=record.about["seed"],
        identity=settings.identity,
        candidates=settings.generate.candidates,
        shard_rows=settings.generate.shard_rows,
        settings=settings.generate.of(reference),
        directory=place,
    )
