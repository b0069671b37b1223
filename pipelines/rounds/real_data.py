"""Real data: rows with ids, sources and splits, and a comparison with what main holds."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from lake.client import Lake
from lineage import splits
from lineage.identity import sample_ids
from pipelines.common import console
from pipelines.common.errors import DataError, StaleError
from pipelines.params import Dataset
from pipelines.rounds import holdout, holdout_digest, manifest, stored_keys, tables
from pipelines.rounds.history import Published
from pipelines.rounds.holdout import Named
from pipelines.rounds.keys import StageKey
from pipelines.sources import read as sources


@dataclass(frozen=True, slots=True)
class Repositories:
    """The repository of the samples and the repository of the hold-out."""

    lake: Lake
    held_out: Lake


@dataclass(frozen=True, slots=True)
class RealData:
    """Real data that main holds."""

    key: StageKey
    """The current key of the real data."""
    held_out: Named
    """The hold-out that round 0 names."""


def prepare(settings: Dataset) -> pl.DataFrame:
    """Read the source and add row, sample_id, split, source and licence to each row.

    Raises:
        DataError: a row cannot be read, or a split is empty.
    """
    modality = settings.modality
    source = sources.read(settings.ingest.source, modality, settings.ingest.settings)
    frame = source.frame.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64),
        sample_ids(source.frame, settings.identity).alias("sample_id"),
        pl.concat_str(
            pl.lit(source.name),
            pl.lit("/") + modality.place(),
            ignore_nulls=True,
        ).alias("source"),
        pl.lit(source.name).alias("origin"),
        pl.lit(settings.ingest.licence or source.licence, pl.String).alias("licence"),
    )
    pairs = modality.pairs(frame, settings.ingest.near)
    shares = {"validation": settings.ingest.validation, "test": settings.ingest.test}
    frame = frame.with_columns(
        splits.assign(
            frame["sample_id"],
            splits.groups(frame["sample_id"], pairs),
            shares,
            key=settings.ingest.split_key,
        ).alias("split")
    )
    sizes = dict(frame["split"].value_counts().iter_rows())
    for name in ("train", "validation"):
        if not sizes.get(name):
            raise DataError(f"the split {name} of {settings.ingest.source} is empty; more rows?")
    return frame


def find(
    repositories: Repositories, dataset: str, current: Published, key: StageKey, settings: Dataset
) -> RealData | None:
    """The real data on main if its source and settings are the current ones; None otherwise.

    Args:
        repositories: the repositories of samples and hold-out.
        dataset: the data set's name.
        current: the merge that published the real data.
        key: the current key of the stage `ingest`.
        settings: settings of the data set.
    """
    lake = repositories.lake
    recorded = manifest.read(lake, current.commit, dataset, 0)
    split_off = holdout.named(dataset, recorded)
    stored_key = current.key
    if stored_key.recipe is None:
        name = f"{current.commit}/ingest"
        todays_key = stored_keys.read(lake, dataset, 0).get(name)
        if todays_key is None and _holds(repositories, dataset, current, settings):
            todays_key = key
            stored_keys.write(lake, dataset, 0, {name: key})
            console.line(f"ingest: {dataset} was ingested by the release before, of the same rows")
        stored_key = todays_key or stored_key
    unchanged = stored_key.key == key.key or (
        stored_key.recipe is not None and stored_key.recipe == key.recipe
    )
    return RealData(stored_key, split_off) if unchanged else None


def _holds(repositories: Repositories, dataset: str, current: Published, settings: Dataset) -> bool:
    """Tell whether main and the hold-out hold exactly the source's rows, in the same splits."""
    recorded = manifest.read(repositories.lake, current.commit, dataset, 0)
    described = (tuple(recorded["identity"]), recorded["modality"], recorded["leaks"]["near"])
    if described != (settings.identity, settings.ingest.modality, settings.ingest.near):
        return False
    try:
        held_out = holdout.open_named(repositories.held_out, holdout.named(dataset, recorded))
        stored = {name: held_out.table(name) for name in (*holdout.SPLITS, holdout.FINGERPRINTS)}
    except StaleError:
        return False
    trained = tables.read_round(repositories.lake, current.commit, dataset, "samples", 0)
    prepared = prepare(settings)
    columns = settings.modality.columns(prepared)
    rows = prepared.select("row", "sample_id", *columns, "split")
    train = rows.filter(pl.col("split") == "train").drop("split")
    expected = {"train": train, **holdout.split_off(rows)}
    found = {"train": trained.drop("round"), **stored}
    return all(
        holdout_digest.of_table(expected[name], settings.identity)
        == holdout_digest.of_table(found[name], settings.identity)
        for name in expected
    )
