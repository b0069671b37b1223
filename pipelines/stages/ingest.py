"""Stage `ingest`: round 0, real data into main, its hold-out into a repository of its own.

The hold-out is split off before anything else: rows are grouped by exact and near-duplicate, and
each group goes to one split by a keyed hash. Validation rows gate rounds; test rows are for the
final answer and no gate reads their labels. What the lake already holds under the same input key
is adopted.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.values import Commit
from lineage import record, splits
from lineage.identity import sample_ids
from pipelines.common import console
from pipelines.common.errors import DataError, StaleError
from pipelines.gate import contamination
from pipelines.params import Dataset, Params, load
from pipelines.rounds import (
    context,
    history,
    holdout,
    keys,
    manifest,
    merging,
    receipts,
    staging_branch,
)
from pipelines.rounds.receipts import Receipt
from pipelines.sources import read as sources

CODE: Final = ("pipelines/stages/ingest.py", "pipelines/modalities")


def run(dataset: str, *, supersede: bool = False) -> None:
    """Ingest the real data of a data set, or adopt what the lake holds of it."""
    params = load()
    if dataset not in params.datasets:
        raise DataError(f"there is no data set {dataset!r} in params.yaml")
    settings = params.datasets[dataset]
    key = _key(dataset, settings)
    lake, held_out = context.open_lake(params), context.open_lake(params, holdout=True)
    held = history.published(lake, dataset)
    current = held.get(0)
    adopted = current is not None and current.input_key == key
    if not adopted:
        _check_line(params, dataset)
        redo = f"stemma stage ingest {dataset}"
        merging.refuse_unknown(dataset, 0, held, supersede=supersede, redo=redo)
    frame = None
    if not adopted or not holdout.holds(held_out, dataset, key):
        frame = prepare(settings)
        columns = settings.modality.columns(frame)
        holdout.store(held_out, dataset, frame.select("row", "sample_id", *columns, "split"), key)
    if current is not None and adopted:
        console.line(f"ingest: adopted {current.commit[:12]}")
        commit = current.commit
    else:
        whole = prepare(settings) if frame is None else frame
        commit = _publish(lake, dataset, whole, key, settings).id
    _write_receipt(lake, dataset, commit, key)


def prepare(settings: Dataset) -> pl.DataFrame:
    """Read the source and add row, sample_id, split, source and licence to each row.

    Raises:
        DataError: a row cannot be read, or a split came out empty.
    """
    modality = settings.modality
    found = sources.read(settings.ingest.source, modality)
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


def _key(dataset: str, settings: Dataset) -> str:
    code = (*CODE, settings.ingest.source)
    inputs = {"dataset": dataset, "identity": settings.identity}
    return keys.input_key("ingest", settings=settings.ingest, code=code, inputs=inputs)


def _check_line(params: Params, dataset: str) -> None:
    """Real data is shared by all lines, so only the line that publishes may change it."""
    if params.line != refs.MAIN:
        raise StaleError(
            f"main does not hold the real data of {dataset} as params.yaml describes it, and line "
            f"{params.line} publishes nothing; run `dvc repro ingest@{dataset}` on line main first"
        )


def _publish(lake: Lake, dataset: str, frame: pl.DataFrame, key: str, settings: Dataset) -> Commit:
    """Write round 0 on its branch, which removes what it supersedes, and merge it into main."""
    about = {
        "stemma.stage": "ingest",
        "stemma.dataset": dataset,
        "stemma.round": "0",
        "stemma.line": refs.MAIN,
        "stemma.input_key": key,
    }
    branch = refs.branch_name(dataset, 0)
    with staging_branch.staging_branch(lake, branch, refs.MAIN) as place:
        merging.supersede(lake, dataset, 0, place, about)
        _write(lake, place, dataset, frame, key=key, settings=settings)
        rows = manifest.read(lake, place, dataset, 0)["counts"]["accepted"]
        commit = lake.commit(place, f"Ingest {rows} real rows of {dataset}", about)
        lake.set_branch(branch, commit.id)
    message = f"Publish the real data of {dataset}"
    merged = merging.merge(lake, commit.id, message, about | {"stemma.stage": "publish"})
    staging_branch.delete_stale(lake, branch)
    return merged


def _write(
    lake: Lake, branch: str, dataset: str, frame: pl.DataFrame, *, key: str, settings: Dataset
) -> None:
    """Stage the training rows, their lineage, their leaks (none) and the manifest of round 0."""
    train = frame.filter(pl.col("split") == "train").sort("row")
    modality, near = settings.modality, settings.ingest.near
    columns = modality.columns(train)
    samples = train.select(pl.lit(0, pl.Int32).alias("round"), "row", "sample_id", *columns)
    lake.write(branch, refs.part(dataset, "samples", 0), samples)
    lineage = record.real(train.select("row", "sample_id", "source", "licence"))
    lake.write(branch, refs.part(dataset, "lineage", 0), lineage)
    held = frame.filter(pl.col("split").is_in(holdout.SPLITS))
    leaked = contamination.copies(samples, held, near, modality)
    contamination.store(lake, branch, dataset, 0, leaked)
    sizes = dict(sorted(frame["split"].value_counts().iter_rows()))
    content = {
        "dataset": dataset,
        "round": 0,
        "source": frame["origin"][0],
        "licence": frame["licence"][0],
        "modality": settings.ingest.modality,
        "identity": list(settings.identity),
        "counts": {"candidates": len(frame), "accepted": len(train), **sizes},
        "holdout": {"input_key": key},
        "leaks": contamination.about(leaked, near, key),
    }
    manifest.write(lake, branch, dataset, 0, content)
    merging.write_head(lake, branch, dataset, 0, key)


def _write_receipt(lake: Lake, dataset: str, commit: str, key: str) -> None:
    receipts.write(
        Receipt(
            stage="publish",
            dataset=dataset,
            round=0,
            line=refs.MAIN,
            repository=lake.repository,
            branch=refs.branch_name(dataset, 0),
            commit=commit,
            input_key=key,
            data_key=key,
            tag=merging.ensure_tag(lake, dataset, 0, commit),
            rows=manifest.read(lake, commit, dataset, 0)["counts"],
        )
    )
