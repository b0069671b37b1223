"""Stage `ingest`: round 0, which writes real data to main and its hold-out to another repository.

The hold-out is split off first: rows are grouped by exact and near-duplicates, and a keyed hash
assigns each group to one split. Rounds are gated on validation rows; test rows are for the final
answer, and no gate reads their labels. Data that the lake already holds under the same input key is
adopted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from lake import refs
from lake.client import Lake
from lake.values import Commit
from lineage import payload, record
from pipelines.common import console
from pipelines.common.errors import DataError, StaleError
from pipelines.gate import contamination, stored_leaks
from pipelines.params import Dataset, Params, load
from pipelines.rounds import (
    adoption,
    attestation,
    context,
    history,
    holdout,
    ingest_report,
    manifest,
    merging,
    parts,
    real_data,
    receipts,
    stage_inputs,
    trust,
)
from pipelines.rounds.arrivals import real_round, source_states
from pipelines.rounds.history import Published
from pipelines.rounds.holdout import Named
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.real_data import Prepared, RealData, Repositories
from pipelines.rounds.receipts import Receipt
from pipelines.rounds.staging_branch import delete_stale, staging_branch
from pipelines.takedown import deny_list


def run(dataset: str, *, supersede: bool = False) -> None:
    """Ingest the real data of a data set, or adopt it from the lake."""
    params = load()
    if dataset not in params.datasets:
        raise DataError(f"there is no data set {dataset!r} in params.yaml")
    settings = params.datasets[dataset]
    key = stage_inputs.ingest_key(dataset, settings)
    lake, held_out = context.open_lake(params), context.open_lake(params, holdout=True)
    published_rounds = history.published(lake, dataset)
    current = published_rounds.get(0)
    repositories = Repositories(lake, held_out)
    existing, files = _existing(repositories, dataset, current, key, settings)
    complete = existing is not None and holdout.holds(held_out, existing.held_out)
    if current is not None and existing is not None and complete:
        console.line(f"ingest: adopted {current.commit[:12]}{adoption.outdated(existing.key, key)}")
        _write_receipt(lake, files, dataset, current.commit, existing.key)
        return
    if existing is None:
        _check_line(params, dataset)
        if not supersede and max(published_rounds, default=0) > 0:
            _refuse_other_data(dataset, settings, published_rounds)
        redo = f"stemma stage ingest {dataset}"
        merging.refuse_unknown(dataset, 0, published_rounds, supersede=supersede, redo=redo)
    trust.signer(lake)  # before the source is read
    real_round.check_pinned(dataset, settings)
    prepared = real_data.prepare(settings, deny_list.read(lake).refusing(settings))
    ingest_report.tell(prepared.report)
    ingest_report.write(dataset, prepared.report)
    rows, kept = prepared.rows, settings.withheld
    fresh = holdout.name(dataset, rows, settings.identity, key.key, kept)
    wanted = existing.held_out if existing else fresh
    holdout.store(held_out, dataset, rows, wanted, kept)
    if current is not None and existing is not None:
        _write_receipt(lake, files, dataset, current.commit, existing.key)
    else:
        commit = _publish(lake, fresh, prepared, key, settings)
        _write_receipt(lake, files, dataset, commit.id, key)


def _existing(
    repositories: Repositories,
    dataset: str,
    current: Published | None,
    key: StageKey,
    settings: Dataset,
) -> tuple[RealData | None, dict[str, str]]:
    """The real data on main if its source and settings are the current ones; None otherwise.

    Returns:
        Beside it, the digests of the source's files, as the key of that data has them.
    """
    files = stage_inputs.of_source(settings)
    if current is None:
        return None, files
    found = real_data.find(repositories, dataset, current, key, settings)
    if found is not None or current.key.recipe is None:
        return found, files
    former = stage_inputs.ingest_key(dataset, settings, junk=True)
    found = real_data.find(repositories, dataset, current, former, settings)
    return found, stage_inputs.of_source(settings, junk=True) if found else files


def _check_line(params: Params, dataset: str) -> None:
    """Refuse other lines than main: all lines share the real data, and only main publishes."""
    if params.line != refs.MAIN:
        raise StaleError(
            f"main does not hold the real data of {dataset} as params.yaml describes it, and line "
            f"{params.line} publishes nothing; run `dvc repro ingest@{dataset}` on line main first"
        )


def _refuse_other_data(
    dataset: str, settings: Dataset, published_rounds: Mapping[int, Published]
) -> None:
    """Refuse to supersede published rounds because the source changed, and nothing else.

    Raises:
        StaleError: the message names what takes new rows beside the published rounds.
    """
    receipt_path = receipts.path(dataset, 0, "publish")
    files = receipts.read(dataset, 0, "publish").files if receipt_path.exists() else None
    source, published = settings.ingest.source, published_rounds[0].key
    give_up = (
        f"give up the published rounds with `stemma stage ingest {dataset} --supersede` and then "
        "`dvc repro`"
    )
    if files is None or published.recipe is None:
        raise StaleError(
            f"round 0 of {dataset} is of another state of {source} or of other settings of ingest, "
            "and an earlier release did not write down which; restore both, or take new rows from "
            f"another path with {source_states.command(dataset, 'NEW_ROWS')}, or {give_up}"
        )
    ingest = settings.ingest.model_copy(update={"pinned": files})
    before = stage_inputs.ingest_key(dataset, settings.model_copy(update={"ingest": ingest}))
    if before.recipe == published.recipe:
        raise StaleError(
            f"{source} changed after round 0 of {dataset} was read from it, and nothing was done "
            f"with it; {source_states.command(dataset, source)} takes its new rows as a round of "
            f"real data beside the published rounds; or restore the source; or {give_up}"
        )


def _publish(
    lake: Lake, held_out: Named, prepared: Prepared, key: StageKey, settings: Dataset
) -> Commit:
    """Remove what round 0 supersedes, write round 0 on its branch, and merge it into main."""
    dataset = held_out.dataset
    metadata = StageMetadata("ingest", dataset, 0, key=key)
    branch = refs.branch_name(dataset, 0)
    with staging_branch(lake, branch, refs.MAIN) as staging:
        removal = replace(metadata, stage="supersede", key=None)
        start = merging.supersede(lake, staging, removal)
        rows = _write(lake, staging, held_out, prepared, settings)
        message = f"Ingest {rows} real rows of {dataset}"
        held = attestation.contents(lake, staging, start, dataset, 0)
        entries = attestation.seal(lake, metadata.to_metadata() | held)
        commit = lake.commit(staging, message, entries)
        lake.set_branch(branch, commit.id)
    message = f"Publish the real data of {dataset}"
    published = replace(metadata, stage="publish").to_metadata()
    published[attestation.CONTENT] = held[attestation.CONTENT]
    merged = merging.merge(lake, commit.id, message, attestation.seal(lake, published))
    delete_stale(lake, branch)
    return merged


def _write(lake: Lake, branch: str, named: Named, prepared: Prepared, settings: Dataset) -> int:
    """Stage the training rows, their lineage, their leaks and the manifest of round 0.

    Returns:
        The number of training rows.
    """
    dataset, key, frame = named.dataset, named.key, prepared.rows
    train = frame.filter(pl.col("split") == "train").sort("row")
    near = settings.ingest.near
    samples = train.select(pl.lit(0, pl.Int32).alias("round"), pl.exclude("split"))
    for index, part in enumerate(parts.pieces(samples)):
        lake.write(branch, refs.part(dataset, "samples", 0, index), part)
    lineage = record.real(prepared.lineage.join(train, on="row", how="semi").sort("row"))
    for index, part in enumerate(parts.pieces(lineage)):
        lake.write(branch, refs.part(dataset, "lineage", 0, index), part)
    leaks = _leaks(samples, frame, settings)
    lake.write(branch, refs.part(dataset, stored_leaks.LEAKS, 0), leaks)
    checksum = stored_leaks.samples_checksum(lake, branch, dataset, 0)
    content = {
        "dataset": dataset,
        "round": 0,
        "source": prepared.origin,
        "licence": prepared.licence,
        "modality": settings.ingest.modality,
        **_modality_settings(settings),
        "identity": list(settings.identity),
        "payload": payload.described(samples, settings.identity),
        "counts": _counts(prepared, len(train)),
        "holdout": named.section(),
        "leaks": {
            **stored_leaks.describe(leaks, near, named, checksum),
            "split_by_groups": dict(prepared.proved),
        },
    }
    if said := prepared.report.section():
        content["ingest"] = said
    manifest.write(lake, branch, dataset, 0, content)
    merging.write_head(lake, branch, dataset, 0, key)
    return len(train)


def _counts(prepared: Prepared, accepted: int) -> dict[str, int]:
    """Count the rows by split, and those that are left out because they were taken down."""
    frame, denied = prepared.rows, prepared.report.denied
    sizes = dict(sorted(frame["split"].value_counts().iter_rows()))
    counts = {"candidates": len(frame), "accepted": accepted, **sizes}
    return counts | ({"denied": denied} if denied else {})


def _leaks(samples: pl.DataFrame, rows: pl.DataFrame, settings: Dataset) -> pl.DataFrame:
    """Find the training rows that are near-duplicates of held-out rows.

    The split has kept together what the modality pairs, and `Prepared.proved` says that no group is
    in two splits. Where distances depend on the rows that are compared, or pairs may be missed,
    there may be others all the same.
    """
    modality = settings.modality
    if modality.pairs_are_within:
        return stored_leaks.NO_LEAKS.select(stored_leaks.STORED)
    held_out = rows.filter(pl.col("split").is_in(holdout.SPLITS))
    leaks = contamination.near_duplicates(samples, held_out, settings.ingest.near, modality)
    return leaks.select(stored_leaks.STORED)


def _modality_settings(settings: Dataset) -> dict[str, object]:
    """Return what the manifest says of the modality's settings; nothing where all are defaults."""
    own = settings.ingest.modality_settings
    return {"modality_settings": dict(own)} if own else {}


def _write_receipt(
    lake: Lake, files: Mapping[str, str], dataset: str, commit: str, key: StageKey
) -> None:
    receipts.write(
        Receipt(
            stage="publish",
            dataset=dataset,
            round=0,
            line=refs.MAIN,
            repository=lake.repository,
            branch=refs.branch_name(dataset, 0),
            commit=commit,
            input_key=key.key,
            recipe=key.recipe,
            versions=dict(key.versions),
            data_key=key.key,
            data_recipe=key.recipe,
            tag=merging.ensure_tag(lake, dataset, 0, commit),
            files=files,
            rows=manifest.read(lake, commit, dataset, 0)["counts"],
        )
    )
