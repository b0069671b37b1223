"""Stage `generate`: candidates and their lineage, on the round's branch.

The generator of the round makes the candidates shard by shard (`generators/protocol.py`), here, on
other cores or on a cluster (`generation/round_making.py`), and the stage commits once. The seed
of a shard is derived from the root seed, the data set, the round, the stage and the shard, so a
single shard can be made again. The commit also holds the generator itself, and the manifest records
the environment in which the candidates were made, so that a second clone or a replay needs nothing
that is not in the lake.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from lake import refs
from pipelines.common import console
from pipelines.common.errors import EmptyRound, ProjectError
from pipelines.common.executors.settings import chosen
from pipelines.generation import round_making
from pipelines.generation.joining import RoundMade
from pipelines.generation.kept_shards import KeptShards
from pipelines.generation.shares import KeptShare, Share
from pipelines.generators import exchanges, model_folder, slots
from pipelines.generators.protocol import GenerateResult
from pipelines.rounds import (
    adoption,
    branches,
    candidate_lineage,
    kept_columns,
    mixes,
    model_store,
    stage_inputs,
    trust,
)
from pipelines.rounds.arrivals import real_round, source_states
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import BASE, fit_entries
from pipelines.rounds.round_commit import StageResult, Transaction, adopt, round_commit
from pipelines.takedown import denied_rows, deny_list


def main(
    ctx: RoundContext, *, supersede: bool = False, share: Share | None = None
) -> KeptShare | None:
    """Make the candidates of a round, or adopt candidates from the lake.

    Args:
        ctx: the round.
        supersede: replace what main holds, although this checkout's receipts do not know it.
        share: make this share of the shards and keep them, and write nothing into the lake; None:
            make what is missing, and put all together.

    Returns:
        What is kept after a share was made; None where the lake holds the round.
    """
    chosen(ctx.params.executor)  # one that there is not is said also where nothing is made
    fitted = ctx.receipt("fit")
    key = stage_inputs.key(ctx.round, "generate", fitted.key)
    if share is not None:
        return _share(ctx, key, share)
    result = adopt(ctx, "generate", key, supersede=supersede) or _generate(
        ctx, key, fitted.key, supersede=supersede
    )
    counts = {
        name: rows
        for name, rows in result.manifest["counts"].items()
        if name in ("candidates", "denied")
    }
    if lost := result.manifest.get("generation", {}).get(round_making.LOST):
        counts[round_making.LOST] = len(lost["shards"])
    write_receipt(ctx, "generate", result.commit.id, result.key, counts)
    return None


def _share(ctx: RoundContext, key: StageKey, share: Share) -> KeptShare | None:
    """Make a share of the shards, and say how many are kept and what to run next.

    Raises:
        ProjectError: the round has no shards, or its project is not ready for it.
    """
    from pipelines.project import readiness  # noqa: PLC0415  imports Great Expectations

    if source_states.is_real(ctx.round):
        raise ProjectError(f"{ctx.round.key} is of real rows, which are not made in shards")
    if adoption.find(ctx, "generate", key) is not None:
        console.line(f"generate: the lake holds {ctx.round.key} already; no shard was made")
        return None
    readiness.check(ctx, ctx.receipt("fit").commit)
    told = round_making.make_share(ctx, key, share)
    rest = ";" if told.is_whole else f"; when the other runs of {share.of} have ended,"
    console.line(
        f"generate: share {share.number} of {share.of}: shards made {told.made:,}, kept "
        f"{told.kept:,} of {told.of:,}{rest} `stemma stage generate {ctx.round.key}` "
        "puts them together"
    )
    return told


def _generate(
    ctx: RoundContext, key: StageKey, fitted: StageKey, *, supersede: bool
) -> StageResult:
    """Start the round's branch, write candidates and lineage, and commit once."""
    from pipelines.project import readiness  # noqa: PLC0415  imports Great Expectations

    readiness.check(ctx, ctx.receipt("fit").commit)
    trust.signer(ctx.lake)  # before the model is asked for anything
    base = branches.origin(ctx, supersede=supersede)
    refuses = deny_list.read(ctx.lake).refusing(ctx.round.settings)
    real = source_states.is_real(ctx.round)
    arrived = real_round.make(ctx, key, refuses) if real else None
    made, cost = (RoundMade.whole(arrived.result), {}) if arrived else _candidates(ctx, key)
    start = branches.cleared(ctx, base)
    refused = denied_rows.of_candidates(ctx.lake, ctx.round, () if arrived else made.payload())
    made, denied = _without(made, refused) if len(refused) else (made, {})
    rows = arrived.lineage if arrived else _lineage(ctx, made.result)
    message = f"Generate {len(rows)} candidates of {ctx.round.key}"
    with round_commit(ctx, "generate", key=key, start=start, message=message) as tx:
        tx.metadata |= {BASE: base, **fit_entries(fitted)}
        left_out = sum(map(len, denied.values()))
        _write(ctx, tx, made, rows, cost)
        tx.manifest |= arrived.sections if arrived else _slots(made.result, len(rows), left_out)
        if denied:
            tx.manifest["counts"]["denied"] = left_out
            tx.manifest["generation"]["denied"] = denied
    KeptShards.of(ctx.round, key).remove()
    return tx.result


def _without(made: RoundMade, rows: pl.Series) -> tuple[RoundMade, dict[str, list[int]]]:
    """Leave candidates out that were taken down; the others keep their rows.

    Returns:
        The others; and the rows of those that are left out, by shard.

    Raises:
        EmptyRound: no candidate is left.
    """
    kept = ~pl.col("row").is_in(rows.implode())
    result = made.result
    console.line(f"generate: {len(rows):,} candidates are left out, because they were taken down")
    candidates = result.candidates.filter(kept)
    if candidates.is_empty():
        raise EmptyRound(f"all {len(rows):,} candidates were taken down")
    report = result.report
    if report.exchanges is not None:
        asked = report.exchanges.filter(kept.fill_null(value=True))
        report = replace(report, exchanges=asked)
    parents = None if result.parents is None else result.parents.filter(kept)
    changed = replace(result, candidates=candidates, parents=parents, report=report)
    left_out: dict[str, list[int]] = {}
    for row, shard in result.candidates.filter(~kept).select("row", "shard").iter_rows():
        left_out.setdefault(str(shard), []).append(row)
    return RoundMade(changed, lambda: (block.filter(kept) for block in made.payload())), left_out


def _candidates(ctx: RoundContext, key: StageKey) -> tuple[RoundMade, dict[str, Any]]:
    """Make all candidates of the round; return them with their cost."""
    began = time.monotonic()
    made = round_making.make(ctx, key)
    return made, {"seconds": round(time.monotonic() - began, 3), **made.result.report.cost}


def _lineage(ctx: RoundContext, result: GenerateResult) -> pl.DataFrame:
    """Derive the lineage of candidates that a generator made."""
    _, folder = model_store.generator_manifest(ctx.round.dataset, ctx.round.number)
    digest = model_folder.identity(folder, result.report.maker)
    return candidate_lineage.derive(ctx, result, digest, mixes.read_manifest(ctx.round))


def _write(
    ctx: RoundContext,
    tx: Transaction,
    made: RoundMade,
    rows: pl.DataFrame,
    cost: Mapping[str, Any],
) -> None:
    """Stage candidates, lineage, generator and manifest of the round."""
    round_, result = ctx.round, made.result
    generator, folder = model_store.generator_manifest(round_.dataset, round_.number)
    maker = result.report.maker
    digest = model_folder.identity(folder, maker)
    mix = mixes.read_manifest(round_)
    with tx.parts(round_.dataset, "candidates", round_.number) as candidates:
        for block in made.payload():
            candidates.add(kept_columns.table(ctx, block))
    with tx.parts(round_.dataset, "lineage", round_.number) as lineage:
        lineage.add(rows)
    if result.report.exchanges is not None:
        path = refs.part(round_.dataset, exchanges.TABLE, round_.number)
        tx.write(path, result.report.exchanges)
    left_out = mixes.read_left_out(round_, mix)
    if len(left_out):
        tx.write(refs.part(round_.dataset, "left_out", round_.number), left_out)
    model_store.upload(tx.lake, tx.branch, round_.dataset, round_.number)
    facts = dict(result.report.facts)
    if commits := candidate_lineage.pinned(result.parents):
        facts["parents"] = commits
    tx.manifest |= {
        "dataset": round_.dataset,
        "round": round_.number,
        "previous": round_.previous,
        "line": round_.line,
        "seed": round_.seed,
        "settings": round_.settings.model_dump(mode="json"),
        "generator": {
            **generator,
            "digest": digest,
            "reference": round_.generator,
            **({"maker": maker} if maker else {}),
        },
        "mix": mix.model_dump(mode="json"),
        "counts": {"candidates": len(rows)},
        "cost": {"fit": model_store.cost(round_.dataset, round_.number), "generate": dict(cost)},
        "environment": dict(result.report.environment),
        "generation": facts,
    }


def _slots(result: GenerateResult, made: int, denied: int) -> dict[str, Any]:
    """The section on planned rows; empty where a generator was not asked for any."""
    if result.slots is None:
        return {}
    lost = result.report.facts.get(round_making.LOST, {}).get("rows", 0)
    return {slots.SECTION: slots.section(result.slots, made, result.report.unmade, lost, denied)}
