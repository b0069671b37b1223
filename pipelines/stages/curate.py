"""Stage `curate`: a decision for each candidate; the accepted samples.

A critical verdict that failed, or is unknown, rejects a candidate. Content that the lake has
accepted before is a duplicate. Candidates and generator leave the tree here; they stay in the
generate commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from lake import refs
from lineage import curate as curation
from pipelines.common.errors import BlockedError, EmptyRound
from pipelines.rounds import branches, keys, manifest, model_store, tables
from pipelines.rounds.context import RoundContext, write_receipt

CODE: Final = ("pipelines/stages/curate.py",)


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Decide on the candidates of a round, or adopt the decisions that the lake holds."""
    verified = ctx.receipt("verify")
    key = keys.input_key(
        "curate",
        settings=ctx.round.settings.curate,
        code=CODE,
        inputs={"verify": verified.input_key},
    )

    def produce(branch: str) -> Mapping[str, str]:
        _write(ctx, branch, verified.commit)
        return {}

    commit = branches.commit_once(
        ctx,
        "curate",
        key=key,
        start=verified.commit,
        produce=produce,
        supersede=supersede,
        message=f"Decide on the candidates of {ctx.round.key}",
    )
    about = manifest.read(ctx.lake, commit.id, ctx.round.dataset, ctx.round.number)
    write_receipt(ctx, "curate", commit.id, key, about["counts"])


def decide(ctx: RoundContext, commit: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Candidates and decisions of a verify commit.

    Raises:
        BlockedError: a critical expectation about the whole round did not pass.
        EmptyRound: no candidate is accepted.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    candidates = tables.read_round(lake, commit, dataset, "candidates", number)
    verdicts = tables.read_round(lake, commit, dataset, "verdicts", number)
    _check_round(ctx, verdicts)
    samples = tables.read(lake, commit, dataset, "samples")
    earlier = tables.collected(
        samples.select(pl.lit(dataset).alias("dataset"), "round", "row", "sample_id"),
        f"the samples of {dataset} at {commit}",
    )
    decisions = curation.decide(
        candidates.select("round", "row", "sample_id"),
        verdicts,
        earlier,
        dataset=dataset,
        max_accepted=ctx.round.settings.curate.max_accepted,
    )
    if not (decisions["decision"] == "accepted").any():
        common = curation.reasons(decisions).head(3)
        said = ", ".join(f"{reason} ({count})" for reason, count in common.iter_rows())
        raise EmptyRound(f"no candidate of {ctx.round.key} is accepted; reasons: {said}")
    return candidates, decisions


def _check_round(ctx: RoundContext, verdicts: pl.DataFrame) -> None:
    """Stop a round that the suite refuses as a whole."""
    refused = curation.stopping(verdicts)
    if not refused.is_empty():
        said = "; ".join(
            f"{row['expectation']} {row['verdict']}"
            + (f" ({row['detail']})" if row["detail"] else "")
            for row in refused.iter_rows(named=True)
        )
        raise BlockedError(
            f"the suite stops {ctx.round.key} as a whole: {said}; it stays on "
            f"{ctx.round.branch} for review: stemma diff main {ctx.round.branch}"
        )


def _write(ctx: RoundContext, branch: str, commit: str) -> None:
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    candidates, decisions = decide(ctx, commit)
    accepted = decisions.filter(pl.col("decision") == "accepted").select("round", "row")
    samples = candidates.join(accepted, on=["round", "row"], how="semi")
    lake.write(branch, refs.part(dataset, "samples", number), samples)
    lake.write(branch, refs.part(dataset, "decisions", number), decisions)
    leaving = [
        item.path
        for table in ("candidates", model_store.TABLE)
        for item in lake.objects(branch, refs.partition(dataset, table, number))
    ]
    lake.delete(branch, leaving)
    counted = dict(decisions.group_by("decision").len().iter_rows())
    words = ("accepted", "rejected", "duplicate")
    counts = {"candidates": len(candidates), **{word: counted.get(word, 0) for word in words}}
    reasons = dict(curation.reasons(decisions).iter_rows())
    cost = _cost_of_accepted(manifest.read(lake, branch, dataset, number), counts["accepted"])
    manifest.extend(lake, branch, dataset, number, counts=counts, reasons=reasons, cost=cost)


def _cost_of_accepted(about: Mapping[str, Any], accepted: int) -> dict[str, Any]:
    """Dollars of the round for each accepted sample, where its generator was paid."""
    dollars = about.get("cost", {}).get("generate", {}).get("dollars")
    return {} if dollars is None else {"accepted": {"dollars_each": dollars / accepted}}
