"""Real data: rows with ids, sources and splits, and a comparison with what main holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from lake.client import Lake
from lineage import splits
from lineage.identity import sample_ids
from pipelines.common import console
from pipelines.common.errors import DataError, StaleError
from pipelines.modalities import Modality
from pipelines.params import Dataset
from pipelines.rounds import (
    holdout,
    holdout_digest,
    ingest_report,
    manifest,
    split_checks,
    stored_keys,
    tables,
)
from pipelines.rounds.history import Published
from pipelines.rounds.holdout import Named
from pipelines.rounds.ingest_report import IngestReport
from pipelines.rounds.keys import StageKey
from pipelines.sources import marks, personal_data
from pipelines.sources import read as sources

Refuses: TypeAlias = Callable[[pl.DataFrame], pl.Series]
"""Tells of rows (sample_id and payload) which must not come into the lake: [n] of booleans."""


def refuses_none(rows: pl.DataFrame) -> pl.Series:
    """Refuse no row, as where nothing was taken down."""
    return pl.repeat(value=False, n=len(rows), dtype=pl.Boolean, eager=True)


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


@dataclass(frozen=True, slots=True)
class Prepared:
    """Real rows with ids, splits and lineage; the user's columns stand apart from ours."""

    rows: pl.DataFrame
    """row, sample_id, payload, split."""
    lineage: pl.DataFrame
    """row, sample_id, source, licence."""
    origin: str
    licence: str | None
    report: IngestReport
    proved: Mapping[str, int]
    """What proves that no row is a near-duplicate of a row of another split: rows, groups of
    near-duplicates, and how many of these are in more than one split, which is none."""


def prepare(settings: Dataset, refuses: Refuses = refuses_none) -> Prepared:
    """Read the source and give each row a number, an id, a split, a source and a licence.

    Args:
        settings: of the data set.
        refuses: tells which rows were taken down; they are left out and counted.

    Raises:
        DataError: a row cannot be read, or the splits cannot be used.
        SplitError: near-duplicates are in different splits.
    """
    modality, ingest = settings.modality, settings.ingest
    source = sources.read(ingest.source, modality, ingest.settings, settings.columns)
    marks.check(ingest.source, source.marks, ingest.marked)
    payload, personal = personal_data.scan(ingest.source, source.frame, ingest.pii)
    ids = sample_ids(payload, settings.identity)
    denied = refuses(payload.with_columns(ids))
    payload, ids, read = payload.filter(~denied), ids.filter(~denied), len(payload)
    if payload.is_empty() and denied.any():
        raise DataError(f"all {read:,} rows of {ingest.source} were taken down")
    groups = splits.groups(ids, modality.pairs(payload, ingest.near))
    shares = {"validation": ingest.validation, "test": ingest.test}
    split = splits.assign(ids, groups, shares, key=ingest.split_key).alias("split")
    splits.check_whole(groups, split)
    sizes = dict(split.value_counts().sort("split").iter_rows())
    grouped = split_checks.groups(groups)
    report = IngestReport(
        source=ingest.source,
        read=read,
        denied=int(denied.sum()),
        columns=tuple(payload.columns),
        labels=ingest_report.labels(payload.with_columns(split)),
        splits=sizes,
        groups=grouped,
        uneven=split_checks.uneven(sizes, shares, grouped),
        account=source.account,
        personal=personal,
        marks=source.marks,
        marked=ingest.marked,
    )
    split_checks.check(ingest.source, report.splits, shares, report.groups, report.labels)
    licence = ingest.licence or source.licence
    number = pl.int_range(len(ids), dtype=pl.Int64, eager=True).alias("row")
    return Prepared(
        rows=pl.DataFrame([number, ids.alias("sample_id")]).hstack([*payload.get_columns(), split]),
        lineage=payload.select(
            number,
            ids.alias("sample_id"),
            place(modality, source.name, settings.columns.id),
            pl.lit(licence, pl.String).alias("licence"),
        ),
        origin=source.name,
        licence=licence,
        report=report,
        proved={"rows": len(ids), "groups": grouped.count, "torn": 0},
    )


def place(modality: Modality, name: str, key: str | None) -> pl.Expr:
    """Say where each row is from: the source, and the file or the user's own key of the row."""
    inside = modality.place()
    if key is not None:
        inside = pl.coalesce(inside, pl.col(key).cast(pl.String))
    each = pl.repeat(name, pl.len(), dtype=pl.String)
    return pl.concat_str(each, pl.lit("/") + inside, ignore_nulls=True).alias("source")


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
    rows = prepared.rows
    train = rows.filter(pl.col("split") == "train").drop("split")
    expected = {"train": train, **holdout.split_off(rows, settings.withheld)}
    found = {"train": trained.drop("round"), **stored}
    return all(
        holdout_digest.of_table(expected[name], settings.identity)
        == holdout_digest.of_table(found[name], settings.identity)
        for name in expected
    )
