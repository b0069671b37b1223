"""A round of real data in its stage `generate`: its rows, their lineage, and what is held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from lake.client import Lake
from lineage import record
from pipelines.common.errors import EmptyRound, StaleError
from pipelines.generators.protocol import GenerateReport, GenerateResult
from pipelines.params import Dataset, Round
from pipelines.rounds import generated_rows, holdout, manifest, tables
from pipelines.rounds.arrivals import reserved, source_states, taking
from pipelines.rounds.arrivals.taking import Arrivals, Known
from pipelines.rounds.context import RoundContext, open_lake
from pipelines.rounds.keys import StageKey


@dataclass(frozen=True, slots=True)
class RealRound:
    """What stage `generate` writes of a round of real data."""

    result: GenerateResult
    lineage: pl.DataFrame
    sections: Mapping[str, Any]
    """Sections of the manifest that other rounds do not have."""


def make(ctx: RoundContext, key: StageKey) -> RealRound:
    """Read the new rows of a round's source, and hold some of them out.

    Args:
        ctx: the round.
        key: of its stage `generate`.

    Raises:
        StaleError: the source is in another state than params.yaml names.
        EmptyRound: it has no new rows for training.
    """
    round_, commit = ctx.round, ctx.receipt("fit").commit
    check_state(round_)
    held_out = open_lake(ctx.params, holdout=True)
    known = known_at(ctx.lake, held_out, commit, round_.dataset, before=round_.number)
    arrivals = taking.take(round_.settings, source_states.of_round(round_), known)
    taking.tell(arrivals)
    taking.write(round_.dataset, round_.number, arrivals)
    if arrivals.train.is_empty():
        raise EmptyRound(
            f"{round_.key} has no row: {arrivals.origin} holds none that is new and for training; "
            f"remove rounds.{round_.key} from params.yaml"
        )
    reserved.store(held_out, round_.dataset, round_.number, arrivals.held_out, key)
    return RealRound(
        GenerateResult(arrivals.train, None, GenerateReport(environment={})),
        record.real(arrivals.lineage, round_number=round_.number),
        _sections(arrivals, round_),
    )


def known_at(lake: Lake, held_out: Lake, commit: str, dataset: str, *, before: int) -> Known:
    """Collect the real rows that there are before a round.

    Args:
        lake: the lake.
        held_out: the repository of the hold-out.
        commit: a commit that holds the rounds before it.
        dataset: the data set.
        before: the round.

    Raises:
        StaleError: the hold-out is missing, or not the one that manifests name.
    """
    named = holdout.named(dataset, manifest.read(lake, commit, dataset, 0))
    first = holdout.open_named(held_out, named).fingerprints()
    later = reserved.read(lake, held_out, commit, dataset, before)
    made = [
        generated_rows.generated_ids(lake, *each)
        for each in generated_rows.before_arrival(lake, commit, dataset, before)
    ]
    ids = pl.concat([generated_rows.IDS.to_frame(), *made]).select("sample_id").unique()
    return Known(
        train=tables.real_samples(lake, commit, dataset, before=before),
        held_out=pl.concat([first, later.select(pl.exclude("round"))], how="diagonal_relaxed"),
        generated=ids,
    )


def check_state(round_: Round) -> None:
    """Refuse a source in another state than the round takes.

    Raises:
        StaleError: it changed.
        DataError: it is missing, or cannot be read.
    """
    wanted = source_states.of_round(round_)
    now = source_states.digest(wanted.source, wanted.settings)
    if wanted.digest and now != wanted.digest:
        how = f"{now[: source_states.SHOWN]}, and rounds.{round_.key} takes {wanted.digest[:12]}"
        raise source_states.changed(round_.dataset, wanted.source, how)


def check_pinned(dataset: str, settings: Dataset) -> None:
    """Refuse to read round 0 anew from a source that is in a later state.

    Raises:
        StaleError: it is not what `ingest.pinned` names.
    """
    source = settings.ingest.source
    if source_states.held_against(settings) is not None:
        raise StaleError(
            f"round 0 of {dataset} is not in the lake, and {source} is in another state than "
            f"datasets.{dataset}.ingest.pinned names; restore it as it was, or remove `pinned` and "
            "the rounds of real data to start anew"
        )


def _sections(arrivals: Arrivals, round_: Round) -> dict[str, Any]:
    """The sections of the manifest that say where real rows came from."""
    counts = arrivals.counts.to_dict()
    section = {
        "digest": source_states.of_round(round_).digest,
        "rows": counts,
        "held_out": reserved.described(arrivals.held_out, round_.identity)
        if len(arrivals.held_out)
        else None,
    }
    whole = arrivals.to_dict()
    section |= {name: whole[name] for name in ("left_out", "notes", "passed_over") if whole[name]}
    if arrivals.personal.policy != "report":
        section["personal_data"] = whole["personal_data"]
    return {"source": arrivals.origin, "licence": arrivals.licence, manifest.ARRIVALS: section}
