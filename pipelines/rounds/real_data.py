"""Real data: its rows with ids, sources and splits, and whether main holds just these."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from lake.client import Lake
from lineage import splits
from lineage.identity import sample_ids
from pipelines.common import console
from pipelines.common.errors import DataError, StaleError
from pipelines.params import Dataset
from pipelines.rounds import adoption, holdout, manifest, tables
from pipelines.rounds.history import Published
from pipelines.rounds.keys import StageKey
from pipelines.sources import read as sources


@dataclass(frozen=True, slots=True)
class Repositories:
    """The lake of the samples, and the one of the hold-out."""

    lake: Lake
    held_out: Lake


@dataclass(frozen=True, slots=True)
class Known:
    """Real data that main holds."""

    key: StageKey
    """The key under which it is known today."""
    held_out: str
    """Input key of its hold-out."""


def prepare(settings: Dataset) -> pl.DataFrame:
    """Read the source and add row, sample_id, split, source and licence to each row.

    Raises:
        DataError: a row cannot be read, or a split came out empty.
    """
    modality = settings.modality
    found = sources.read(settings.ingest.source, modality, settings.ingest.settings)
    frame = found.frame.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64),
        sample_ids(found.frame, settings.identity).alias("sample_id"),
        pl.concat_str(
            pl.lit(found.name),
            pl.lit("/") + modality.place(),
            ignore_nulls=True,
        ).alias("source"),
        pl.lit(found.name).alias("origin"),
        pl.lit(settings.ingest.licence or found.licence, pl.String).alias("licence"),
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


def known(
    both: Repositories, dataset: str, current: Published, key: StageKey, settings: Dataset
) -> Known | None:
    """What main holds of the real data, if it was made of what is asked for now.

    Args:
        both: the two repositories.
        dataset: the data set's name.
        current: the merge that published the real data.
        key: the key of what is asked for now.
        settings: of the data set.
    """
    lake = both.lake
    recorded = manifest.read(lake, current.commit, dataset, 0)
    split_off = str(recorded["holdout"]["input_key"])
    made = current.key
    if made.recipe is None:
        name = f"{current.commit}/ingest"
        noted = adoption.read(lake, dataset, 0).get(name)
        if noted is None and _holds(both, dataset, current, settings):
            noted = key
            adoption.write(lake, dataset, 0, {name: key})
            console.line(f"ingest: {dataset} was ingested by the release before, of the same rows")
        made = noted or made
    same = made.key == key.key or (made.recipe is not None and made.recipe == key.recipe)
    return Known(made, split_off) if same else None


def _holds(both: Repositories, dataset: str, current: Published, settings: Dataset) -> bool:
    """Whether main and the hold-out hold just the rows that the source gives now, split alike."""
    recorded = manifest.read(both.lake, current.commit, dataset, 0)
    named = (tuple(recorded["identity"]), recorded["modality"], recorded["leaks"]["near"])
    if named != (settings.identity, settings.ingest.modality, settings.ingest.near):
        return False
    try:
        split_off = recorded["holdout"]["input_key"]
        held = holdout.open_at(both.held_out, dataset, split_off).fingerprints()
    except StaleError:
        return False
    columns = ["split", "row", "sample_id"]
    trained = tables.read_round(both.lake, current.commit, dataset, "samples", 0)
    trained = trained.with_columns(pl.lit("train").alias("split"))
    stored = pl.concat([trained.select(columns), held.select(columns)]).sort("row")
    return prepare(settings).select(columns).sort("row").equals(stored)
