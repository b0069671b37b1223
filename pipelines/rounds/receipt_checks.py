"""Checks of the receipts that a stage reads: does the lake hold what they say?

A receipt is a file that anybody can edit, so it decides nothing by itself. Its commit must carry
the stage and the key that it names, must be what that stage made, and must lie on the round's
branch or in what main holds of the round.
"""

from __future__ import annotations

from collections.abc import Iterator

from lake import refs
from lake.errors import NotFoundError
from lake.values import Commit
from pipelines.common.errors import StaleError
from pipelines.rounds import (
    adoption,
    attestation,
    history,
    published_content,
    receipts,
    stage_inputs,
    trust,
)
from pipelines.rounds.attestation import SHORT
from pipelines.rounds.context import RoundContext
from pipelines.rounds.metadata import PUBLISH_KEY, StageMetadata
from pipelines.rounds.receipts import Receipt


def check(ctx: RoundContext, stage: str) -> None:
    """Check the receipt of the stage whose result a stage reads.

    Args:
        ctx: the round.
        stage: the stage that is about to run.

    Raises:
        StaleError: the lake does not hold what the receipt says.
    """
    if stage == "fit":
        read = ctx.previous()
        wrong = _published_fault(ctx, read)
        if wrong is None and read.line == refs.MAIN:
            changed = published_content.fault(ctx.lake, read.commit, read.dataset)
            wrong = f"names {read.commit[:SHORT]}, and {changed} there" if changed else None
    elif stage == "generate":
        read, pinned = ctx.receipt("fit"), ctx.previous().commit
        fits = read.commit == pinned
        wrong = None if fits else f"names {read.commit[:SHORT]}, and not {pinned[:SHORT]}"
    else:
        read = ctx.receipt(stage_inputs.BEFORE[stage])
        wrong = next(_faults(ctx, read), None)
    if wrong is not None:
        path = receipts.path(read.dataset, read.round, read.stage)
        raise StaleError(
            f"{path} {wrong}; restore it (git restore rounds dvc.lock) or remove it, and run "
            "`dvc repro`"
        )


def _published_fault(ctx: RoundContext, receipt: Receipt) -> str | None:
    """Why the commit of a publish receipt published no round; None if it did."""
    commit = _resolved(ctx, receipt)
    metadata = StageMetadata.from_commit(commit) if commit else None
    if commit is None or metadata is None:
        return f"names {receipt.commit[:SHORT]}, which no stage published"
    if receipt.line != refs.MAIN:
        if metadata.extra.get(PUBLISH_KEY) != receipt.input_key:
            return f"names {commit.id[:SHORT]}, which has another key"
        return attestation.chain_fault(ctx.lake, commit.id, trust.load(ctx.lake))
    if not metadata.publishes(receipt.dataset, receipt.round):
        return f"names {commit.id[:SHORT]}, which did not publish that round"
    if not history.is_proved(ctx.lake, commit, trust.load(ctx.lake)):
        return f"names {commit.id[:SHORT]}, which is no signed merge of that round"
    held = any(commit.id == other.id for other in ctx.lake.log(refs.MAIN, first_parent=True))
    return None if held else f"names {commit.id[:SHORT]}, which main does not hold"


def _faults(ctx: RoundContext, receipt: Receipt) -> Iterator[str]:
    """Everything that is wrong with the receipt of a stage, the cheapest to find first."""
    commit = _resolved(ctx, receipt)
    if commit is None:
        yield f"names {receipt.commit[:SHORT]}, which the lake does not hold"
        return
    short, round_ = commit.id[:SHORT], ctx.round
    notes = adoption.read(ctx.lake, round_.dataset, round_.number)
    key = adoption.key_of(commit, receipt.stage, notes)
    if key is None or key.key != receipt.key.key:
        yield f"names {short}, which is no {receipt.stage} commit of its key"
        return
    merge = history.published(ctx.lake, round_.dataset).get(round_.number)
    merge = merge if round_.line == refs.MAIN else None
    wrong = adoption.fault(ctx, commit, merge)
    if wrong is not None:
        yield f"names {short}, and {wrong}"
    heads = [ctx.lake.head(round_.branch), merge.source if merge else None]
    if not any(_holds(ctx, head, commit, receipt.stage) for head in heads if head):
        yield f"names {short}, which neither {round_.branch} nor main holds"


def _holds(ctx: RoundContext, head: str, commit: Commit, stage: str) -> bool:
    """Tell whether the history of a head has the commit, or one of the same content."""
    stated = commit.metadata.get(attestation.CONTENT)
    for held in history.chain(ctx.lake, head, ctx.round):
        metadata = StageMetadata.from_commit(held)
        same = stated is not None and held.metadata.get(attestation.CONTENT) == stated
        if held.id == commit.id or (same and metadata is not None and metadata.stage == stage):
            return True
    return False


def _resolved(ctx: RoundContext, receipt: Receipt) -> Commit | None:
    try:
        return ctx.lake.resolve(receipt.commit)
    except NotFoundError:
        return None
