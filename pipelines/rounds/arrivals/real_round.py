"""A round of real data in its stage `generate`: its rows, their lineage, and what is held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from lake.client import Lake
from lineage import record
from pipelines.common import console
from pipelines.common.errors import DataError, EmptyRound, StaleError
from pipelines.generators.protocol import GenerateReport, GenerateResult
from pipelines.generators.real import RealGenerate
from pipelines.params import Dataset, Round
from pipelines.rounds import generated_rows, history, holdout, manifest, tables
from pipelines.rounds.arrivals import reserved, source_states, taking
from pipelines.rounds.arrivals.taking import Arrivals, Known
from pipelines.rounds.context import RoundContext, open_lake
from pipelines.rounds.keys import StageKey
from pipelines.rounds.real_data import Refuses, refuses_none


@dataclass(frozen=True, slots=True)
class RealRound:
    """What stage `generate` writes of a round of real data."""

    result: GenerateResult
    lineage: pl.DataFrame
    sections: Mapping[str, Any]
    """Sections of the manifest that other rounds do not have."""


def make(ctx: RoundContext, key: StageKey, refuses: Refuses = refuses_none) -> RealRound:
    """Read the new rows of a round's source, and hold some of them out.

    Args:
        ctx: the round.
        key: of its stage `generate`.
        refuses: tells which rows were taken down; they are left out and counted.

    Raises:
        StaleError: the source is in another state than params.yaml names.
        EmptyRound: it has no new rows for training.
    """
    round_, commit = ctx.round, ctx.receipt("fit").commit
    wanted = source_states.of_round(round_)
    held_out = open_lake(ctx.params, holdout=True)
    if not _stands(wanted):
        return _as_published(ctx)
    known = known_at(ctx.lake, held_out, commit, round_.dataset, before=round_.number)
    arrivals = taking.take(round_.settings, wanted, known, refuses)
    taking.tell(arrivals)
    taking.write(round_.dataset, round_.number, arrivals)
    if arrivals.train.is_empty():
        raise EmptyRound(
            f"{round_.key} has no row: {arrivals.origin} holds none that is new and for training; "
            f"remove rounds.{round_.key} from params.yaml"
        )
    reserved.store(held_out, round_, arrivals.held_out, key)
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
    train = tables.real_samples(lake, commit, dataset, before=before)
    arrived = [
        generated_rows.ids(lake, commit, dataset, "lineage", number)
        for number in tables.real_rounds(lake, commit, dataset)
        if 0 < number < before
    ]
    every = pl.concat([generated_rows.IDS.to_frame(), *arrived]).select("sample_id").unique()
    return Known(
        train=train,
        refused=every.join(train, on="sample_id", how="anti"),
        held_out=pl.concat([first, later.select(pl.exclude("round"))], how="diagonal_relaxed"),
        generated=ids,
    )


def _stands(wanted: RealGenerate) -> bool:
    """Tell whether a source is in the state that a round takes.

    Raises:
        DataError: it cannot be read.
    """
    try:
        now = source_states.digest(wanted.source, wanted.settings)
    except (DataError, OSError):
        return False
    return not wanted.digest or now == wanted.digest


def _as_published(ctx: RoundContext) -> RealRound:
    """Take the rows of a state of a source that is past from the round that was published of it.

    Raises:
        StaleError: no tag holds one.
    """
    lake, round_ = ctx.lake, ctx.round
    wanted = source_states.of_round(round_)
    name = f"{round_.dataset}-v{round_.number}"
    tags = (tag for tag in lake.tags(name) if tag == name or tag.startswith(f"{name}."))
    for tag in sorted(tags, reverse=True):
        content = manifest.read_if_there(lake, tag, round_.dataset, round_.number)
        made = history.generated(lake, round_.dataset, round_.number, tag)
        section = content.get(manifest.ARRIVALS)
        if made is None or section is None or section["digest"] != wanted.digest:
            continue
        rows, lineage = (
            tables.read_round(lake, made.id, round_.dataset, table, round_.number)
            for table in ("candidates", "lineage")
        )
        console.line(f"{wanted.source} is in another state; the rows are those of {tag}")
        sections = {key: content[key] for key in ("source", "licence", manifest.ARRIVALS)}
        result = GenerateResult(rows.drop("round"), None, GenerateReport(environment={}))
        return RealRound(result, lineage, sections)
    raise StaleError(
        f"{wanted.source} is not in the state {wanted.digest[: source_states.SHOWN]} that rounds."
        f"{round_.key} takes, and no tag {name} holds its rows; restore it, or take what it holds "
        f"now with {source_states.command(round_.dataset, wanted.source)}"
    )


def check_pinned(dataset: str, settings: Dataset) -> None:
    """Refuse to read round 0 anew from a source that is in a later state.

    Raises:
        StaleError: it is not what `ingest.pinned` names.
    """
    source = settings.ingest.source
    if source_states.held_against(settings) is not None:
        raise StaleError(
            f"the lake does not hold round 0 of {dataset} as datasets.{dataset}.ingest has it, and "
            f"{source} is in another state than ingest.pinned names; restore {source} as it was, "
            f"undo other changes of ingest, or remove `pinned` and the rounds of real data of "
            f"{dataset} to start anew"
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
