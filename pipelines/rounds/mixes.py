"""Training mixes: the samples that a generator learns from, their weights, and their payload."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from lake import files
from lake.client import Lake
from lineage import training_mix
from lineage.contamination import CONTAMINATED
from lineage.training_mix import MixManifest
from pipelines.common import console, parquet
from pipelines.common.errors import EmptyRound, StaleError
from pipelines.common.seeds import derive_seed
from pipelines.params import Round
from pipelines.rounds import measured_rows, model_store, tables

TAKEN_DOWN: Final = "taken_down"
"""Why a row is left out that was taken down."""


@dataclass(frozen=True, slots=True)
class TrainingMix:
    """A training mix: samples (round, row, sample_id, payload, weight) and their manifest."""

    samples: pl.DataFrame
    manifest: MixManifest
    left_out: pl.DataFrame
    """round, row, why of the accepted rows that are left out, contaminated or taken down."""


@dataclass(frozen=True, slots=True)
class MixRows:
    """Which rows a training mix is made of, and their manifest; no payload was read."""

    rows: pl.DataFrame
    """round, row, weight (Float64), in order."""
    manifest: MixManifest
    left_out: pl.DataFrame
    """As in `TrainingMix`."""


def build(
    lake: Lake,
    commit: str,
    round_: Round,
    *,
    contaminated: pl.DataFrame | None = None,
    denied: pl.DataFrame | None = None,
) -> TrainingMix:
    """Build the training mix of a round, with payload, from the samples at a commit.

    Args and errors are those of `compose`.
    """
    mix = compose(lake, commit, round_, contaminated=contaminated, denied=denied)
    tell(mix.left_out)
    return filled(lake, commit, round_, mix)


def measured(
    lake: Lake, commit: str, round_: Round, mix: MixRows, name: str
) -> tuple[TrainingMix, int]:
    """Read the payload of a mix as `evaluate` measures it, and count its rows.

    Args:
        lake: the lake.
        commit: the commit that the mix was composed at.
        round_: the round whose `evaluate.sample` says how many rows are drawn.
        mix: its rows.
        name: of the mix, by which they are drawn.
    """
    rows = measured_rows.drawn(mix.rows, round_, name, round_.settings.evaluate.sample)
    return filled(lake, commit, round_, replace(mix, rows=rows)), len(mix.rows)


def filled(lake: Lake, commit: str, round_: Round, mix: MixRows) -> TrainingMix:
    """Read the payload of a training mix.

    Args:
        lake: the lake.
        commit: the commit that the mix was composed at.
        round_: the round that it was composed for.
        mix: its rows.
    """
    stored = tables.read(lake, commit, round_.dataset, "samples")
    what = f"the samples of {round_.dataset} at {commit}"
    samples = measured_rows.with_payload(stored, mix.rows, what)
    return TrainingMix(samples, mix.manifest, mix.left_out)


def compose(
    lake: Lake,
    commit: str,
    round_: Round,
    *,
    contaminated: pl.DataFrame | None = None,
    denied: pl.DataFrame | None = None,
) -> MixRows:
    """Choose and weigh the rows of the training mix of a round at a commit.

    Args:
        lake: the lake.
        commit: a pinned commit, never a moving ref.
        round_: the round whose `fit` settings give the regime.
        contaminated: occurrences that a fit must not learn from, with the schema
            `lineage.contamination.CONTAMINATED`; None: there are none.
        denied: rows of the data set that were taken down: round, row. They are left out and listed,
            also where the commit holds no sample of them any more; None: there are none.

    Raises:
        EmptyRound: the commit holds nothing to train on.
        MixError: nothing is left to train on.
    """
    settings = round_.settings.fit
    taken = _taken(denied)
    wanted = list(training_mix.ROWS)
    rows = tables.accepted_lineage(lake, commit, round_.dataset, taken, columns=wanted)
    if rows.is_empty():
        raise EmptyRound(f"{commit[:12]} holds no sample of {round_.dataset} to train on")
    others = _contaminated_rows(contaminated, round_.dataset)
    unwanted = pl.concat([taken, others]).unique(["round", "row"], keep="first")
    composed = training_mix.build(
        rows,
        dataset=round_.dataset,
        commit=commit,
        regime=settings.regime,
        real_weight=settings.real_weight,
        sample_size=settings.sample_size,
        seed=derive_seed(round_.seed, round_.dataset, "mix"),
        left_out=unwanted,
    )
    left_out = composed.left_out.join(
        unwanted, on=["round", "row"], how="left", maintain_order="left"
    )
    return MixRows(composed.rows, composed.manifest, left_out)


def tell(left_out: pl.DataFrame) -> None:
    """Say how many rows are left out, and why."""
    denied = int((left_out["why"] == TAKEN_DOWN).sum())
    if denied:
        rows = "row that was" if denied == 1 else "rows that were"
        console.line(f"left out {denied:,} {rows} taken down")
    if len(left_out) > denied:
        console.line(
            f"left out {len(left_out) - denied} contaminated rows: held-out rows, their "
            "near-duplicates, or descendants of these"
        )


def _taken(denied: pl.DataFrame | None) -> pl.DataFrame:
    """The rows that were taken down: round, row, why."""
    columns = pl.Schema({**training_mix.OCCURRENCE, "why": pl.String()})
    if denied is None:
        return columns.to_frame()
    return denied.select("round", "row", pl.lit(TAKEN_DOWN).alias("why")).cast(columns)


def _contaminated_rows(contaminated: pl.DataFrame | None, dataset: str) -> pl.DataFrame:
    """The contaminated rows of a data set: round, row, why."""
    occurrences = pl.DataFrame(schema=CONTAMINATED) if contaminated is None else contaminated
    return occurrences.filter(pl.col("dataset") == dataset).drop("dataset")


def read_manifest(round_: Round) -> MixManifest:
    """Read the manifest of the mix that the round's generator was fitted on.

    Raises:
        StaleError: the generator's folder lacks the manifest.
        MixError: the manifest is damaged.
    """
    path = model_store.directory(round_.dataset, round_.number) / model_store.MIX
    try:
        return training_mix.read(files.read_text(path))
    except FileNotFoundError as error:
        raise StaleError(f"{path} is missing; run `dvc repro` again") from error


def read_left_out(round_: Round, mix: MixManifest) -> pl.DataFrame:
    """Read the rows that the mix of the round's generator left out: round, row, why.

    Raises:
        StaleError: the generator's folder does not hold the list that the mix names.
    """
    path = model_store.directory(round_.dataset, round_.number) / model_store.LEFT_OUT
    empty = pl.DataFrame(schema={**training_mix.OCCURRENCE, "why": pl.String})
    if mix.left_out is None:
        return empty
    left_out = parquet.read(path) if path.is_file() else empty
    if training_mix.list_digest(left_out) != mix.left_out_digest:
        raise StaleError(f"{path} is not the list that the mix names; run `dvc repro` again")
    return left_out
