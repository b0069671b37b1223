"""Stage `curate`: a decision for each candidate, and the accepted samples.

A critical verdict that is failed or unknown rejects a candidate. Content that the lake accepted
earlier is a duplicate, and content that was taken down is rejected. A decision also states the
digest of the columns that the candidate's id does not cover, so that a label that changes later is
noticed. This stage removes candidates and generator from the branch; they remain in the generate
commit.

What reviewers decided about single candidates takes the place of verdicts (`pipelines.reviewing`):
rows that they made of candidates are written beside the samples and the lineage, and their
decisions into a table of the round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import curation, payload
from pipelines.common.errors import BlockedError, EmptyRound
from pipelines.params import Round
from pipelines.reviewing import applying
from pipelines.reviewing.applying import AppliedReviews
from pipelines.rounds import branches, model_store, parts, stage_inputs, tables
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.keys import StageKey
from pipelines.rounds.round_commit import StageResult, Transaction, adopt, round_commit
from pipelines.takedown import denied_rows
from pipelines.verification import stored_suite

DENIED: Final = "denied"
"""Of counts, the candidates that were taken down; of a decision, their rows."""


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Decide on the candidates of a round, or adopt decisions from the lake."""
    verified = ctx.receipt("verify")
    key = stage_inputs.key(ctx.round, "curate", verified.key)
    result = adopt(ctx, "curate", key, supersede=supersede) or _curate(
        ctx, key, verified.commit, supersede=supersede
    )
    write_receipt(ctx, "curate", result.commit.id, result.key, result.manifest["counts"])


def _curate(ctx: RoundContext, key: StageKey, verified: str, *, supersede: bool) -> StageResult:
    """Decide on the candidates, and commit decisions and accepted samples."""
    start = branches.rebase_onto_main(ctx, ctx.lake.resolve(verified), supersede=supersede)
    message = f"Decide on the candidates of {ctx.round.key}"
    with round_commit(ctx, "curate", key=key, start=start.id, message=message) as tx:
        _write(ctx, tx, verified)
    return tx.result


def decide(ctx: RoundContext, commit: str, reviews: AppliedReviews | None = None) -> pl.DataFrame:
    """Decide on the candidates of a verify commit, by digests of them and compact verdicts.

    Args:
        ctx: the round.
        commit: its verify commit.
        reviews: what reviewers decided; None: nothing.

    Raises:
        BlockedError: a critical expectation about the whole round did not pass.
        EmptyRound: no candidate is accepted.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    verdicts = parts.decisive_verdicts(lake, commit, dataset, number)
    _check_round(ctx, verdicts)
    candidates = parts.joined(
        block.select("round", "row", "sample_id").with_columns(
            payload.columns_digests(block, ctx.round.identity)
        )
        for block in _judged(lake, ctx.round, commit, reviews)
    )
    denied = denied_rows.of_candidates(lake, ctx.round, _judged(lake, ctx.round, commit, reviews))
    samples = tables.read(lake, commit, dataset, "samples")
    earlier = tables.collected(
        samples.select(pl.lit(dataset).alias("dataset"), "round", "row", "sample_id"),
        f"the samples of {dataset} at {commit}",
    )
    decisions = curation.decide(
        candidates,
        verdicts,
        earlier,
        dataset=dataset,
        max_accepted=ctx.round.accepted or ctx.round.settings.curate.max_accepted,
        surplus=ctx.round.accepted is not None,
        denied=denied,
        reviews=None if reviews is None else reviews.applied,
        final=() if reviews is None else reviews.final,
    )
    if not (decisions["decision"] == "accepted").any():
        most_common = curation.reasons(decisions).head(3)
        reasons = ", ".join(f"{reason} ({count})" for reason, count in most_common.iter_rows())
        raise EmptyRound(f"no candidate of {ctx.round.key} is accepted; reasons: {reasons}")
    return decisions


def _judged(
    lake: Lake, round_: Round, commit: str, reviews: AppliedReviews | None
) -> Iterator[pl.DataFrame]:
    """The candidates of a round block by block, and then the rows that reviewers made of some."""
    yield from parts.blocks(lake, commit, round_.dataset, "candidates", round_.number)
    if reviews is not None and len(reviews.rows):
        yield reviews.payload


def _check_round(ctx: RoundContext, verdicts: pl.DataFrame) -> None:
    """Raise `BlockedError` if an expectation about the whole round stops it."""
    refused = curation.stopping(verdicts)
    if not refused.is_empty():
        failures = "; ".join(
            f"{row['expectation']} {row['verdict']}"
            + (f" ({row['detail']})" if row["detail"] else "")
            for row in refused.iter_rows(named=True)
        )
        raise BlockedError(
            f"the suite stops {ctx.round.key} as a whole: {failures}; it stays on "
            f"{ctx.round.branch} for review: stemma diff main {ctx.round.branch}"
        )


def _write(ctx: RoundContext, tx: Transaction, verified: str) -> None:
    dataset, number = ctx.round.dataset, ctx.round.number
    suite = stored_suite.read(ctx.lake, verified, dataset, number)
    reviews = applying.find(ctx.lake, ctx.round, verified, suite)
    decisions = decide(ctx, verified, reviews)
    accepted = decisions.filter(pl.col("decision") == "accepted")["row"]  # all of one round
    with tx.parts(dataset, "samples", number) as samples:
        for block in _judged(ctx.lake, ctx.round, verified, reviews):
            samples.add(block.filter(pl.col("row").is_in(accepted.implode())))
    with tx.parts(dataset, "decisions", number) as written:
        written.add(decisions)
    tx.delete(
        item.path
        for table in ("candidates", model_store.TABLE)
        for item in tx.lake.objects(tx.branch, refs.partition(dataset, table, number))
    )
    edited = 0 if reviews is None else len(reviews.rows)
    counted = dict(decisions.group_by("decision").len().iter_rows())
    ends = ctx.round.accepted
    outcomes = ("accepted", "rejected", "duplicate", *([] if ends is None else [curation.SURPLUS]))
    counts = {
        "candidates": len(decisions) - edited,
        **{outcome: counted.get(outcome, 0) for outcome in outcomes},
        **{name: rows for name, rows in tx.manifest["counts"].items() if name == DENIED},
    }
    tx.manifest["counts"] = counts
    bound = ctx.round.settings.curate.max_accepted
    tx.manifest["curation"] = (
        {"max_accepted": bound} if ends is None else {"max_accepted": ends, "surplus": True}
    )
    if reviews is not None:
        _write_reviews(ctx, tx, verified, reviews)
    tx.manifest["reasons"] = dict(curation.reasons(decisions).iter_rows())
    _note_denied(tx.manifest, decisions)
    tx.add_cost(**_cost_of_accepted(tx.manifest, counts["accepted"]))


def _write_reviews(
    ctx: RoundContext, tx: Transaction, verified: str, reviews: AppliedReviews
) -> None:
    """Write what reviewers decided, and the lineage of the rows that they made of candidates."""
    dataset, number = ctx.round.dataset, ctx.round.number
    with tx.parts(dataset, refs.REVIEWED, number) as written:
        written.add(reviews.table)
    if len(reviews.rows):
        lineage = tables.read_round(ctx.lake, verified, dataset, "lineage", number)
        index = len(ctx.lake.objects(verified, refs.partition(dataset, "lineage", number)))
        path = refs.part(dataset, "lineage", number, index)
        tx.write(path, reviews.lineage(lineage, ctx.round))
        tx.manifest["curation"] |= {"edited": len(reviews.rows)}
    applied = dict(reviews.applied.group_by("action").len().sort("action").iter_rows())
    tx.manifest["curation"] |= {"reviewed": applied, "final": list(reviews.final)}


def _note_denied(content: dict[str, Any], decisions: pl.DataFrame) -> None:
    """List the candidates that were taken down, and count them with those never written."""
    denied = decisions.filter(pl.col("reasons").list.contains(curation.TAKEN_DOWN))["row"]
    if len(denied):
        content["curation"][DENIED] = denied.to_list()
        content["counts"][DENIED] = content["counts"].get(DENIED, 0) + len(denied)


def _cost_of_accepted(content: Mapping[str, Any], accepted: int) -> dict[str, Any]:
    """Dollars per accepted sample; empty if the manifest records no dollars."""
    dollars = content.get("cost", {}).get("generate", {}).get("dollars")
    return {} if dollars is None else {"accepted": {"dollars_each": dollars / accepted}}
