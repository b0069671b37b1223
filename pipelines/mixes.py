"""Training mixes with their payload: which samples a generator learns from, how heavily."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from lake.client import Lake
from lineage import mix as mixing
from lineage.mix import MixManifest
from pipelines import leaks, models, say, tables
from pipelines.errors import EmptyRound, StaleError
from pipelines.holdout import HeldOut
from pipelines.params import Round
from pipelines.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class TrainingMix:
    """Samples (round, row, sample_id, image, label, weight) and the manifest of them."""

    samples: pl.DataFrame
    manifest: MixManifest


def build(
    lake: Lake, commit: str, work: Round, *, exclude: pl.DataFrame | None = None
) -> TrainingMix:
    """Compose the mix that the regime of a round takes from a commit.

    Args:
        lake: the lake.
        commit: a pinned commit, never a moving ref.
        work: the round whose `fit` settings give the regime.
        exclude: round, row of samples to leave out.

    Raises:
        EmptyRound: nothing is left to train on.
    """
    settings = work.settings.fit
    rows = tables.accepted_lineage(lake, commit, work.dataset)
    if exclude is not None:
        rows = rows.join(exclude, on=["round", "row"], how="anti")
    if rows.is_empty():
        raise EmptyRound(f"{commit[:12]} holds no sample of {work.dataset} to train on")
    found = mixing.build(
        rows,
        dataset=work.dataset,
        commit=commit,
        regime=settings.regime,
        real_weight=settings.real_weight,
        sample_size=settings.sample_size,
        seed=derive_seed(work.seed, work.dataset, "mix"),
    )
    samples = tables.read(lake, commit, work.dataset, "samples").collect()
    joined = samples.join(found.rows, on=["round", "row"], how="inner").sort("round", "row")
    return TrainingMix(joined, found.manifest)


def trainable(lake: Lake, commit: str, held_out: HeldOut, work: Round) -> TrainingMix:
    """The mix of a commit that a fit may learn from: without rows equal or near to held-out ones.

    Args:
        lake: the lake.
        commit: a pinned commit, never a moving ref.
        held_out: the held-out rows of its real data.
        work: the round whose `fit` settings give the regime.

    Raises:
        EmptyRound: nothing is left to train on.
    """
    mix = build(lake, commit, work)
    leaked = leaks.copies(mix.samples, held_out.fingerprints(), work.settings.ingest.near)
    if leaked.is_empty():
        return mix
    say.line(f"left out {len(leaked)} rows that are equal or near to held-out ones")
    return build(lake, commit, work, exclude=leaked.select("round", "row"))


def read_manifest(work: Round) -> MixManifest:
    """The mix that the round's generator was fitted on.

    Raises:
        StaleError: the generator's folder does not say.
        MixError: what it says is damaged.
    """
    place = models.directory(work.dataset, work.number) / models.MIX
    try:
        return mixing.read(place.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StaleError(f"{place} is missing; run `dvc repro` again") from error
