"""Checks of the receipts that a stage reads: does the lake hold what they say?

A receipt is a file that anybody can edit, so it decides nothing by itself. Its commit must carry
the stage and the key that it names, must be what that stage made, and must lie on the round's
branch or in what main holds of the round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lake import refs
from lake.errors import NotFoundError
from lake.values import Commit
from pipelines.common.errors import StaleError
from pipelines.rounds import (
    adoption,
    attestation,
    history,
    listing,
    published_content,
    receipts,
    stored_keys,
    trust,
)
from pipelines.rounds.attestation import SHORT
from pipelines.rounds.context import RoundContext
from pipelines.rounds.metadata import PUBLISH_KEY, StageMetadata
from pipelines.rounds.published_content import Restore
from pipelines.rounds.receipts import Receipt

READS: Final[Mapping[str, tuple[str, ...]]] = {
    "generate": ("fit",),
    "verify": ("generate", "fit"),
    "curate": ("verify",),
    "evaluate": ("curate", "generate", "fit"),
    "publish": ("evaluate", "curate"),
}
"""The stages of the same round whose receipts each stage reads."""


def check(ctx: RoundContext, stage: str, restore: Restore) -> None:
    """Check the receipts that a stage reads.

    Args:
        ctx: the round.
        stage: the stage that is about to run.
        restore: as in `published_content.fault`.

    Raises:
        StaleError: the lake does not hold what the receipt says.
    """
    if stage == "fit":
        previous = ctx.previous()
        _refuse(previous, _published_fault(ctx, previous) or _changed(ctx, previous, restore))
    for name in READS.get(stage, ()):
        read = ctx.receipt(name)
        _refuse(read, _fit_fault(ctx, read) if name == "fit" else next(_faults(ctx, read), None))


def _refuse(receipt: Receipt, wrong: str | None) -> None:
    if wrong is not None:
        path = receipts.path(receipt.dataset, receipt.round, receipt.stage)
        raise StaleError(
            f"{path} {wrong}; restore it (git restore rounds dvc.lock) or remove it, and run "
            "`dvc repro`"
        )


def _fit_fault(ctx: RoundContext, receipt: Receipt) -> str | None:
    """Why a fit receipt names another commit than the round before it; None if it does not."""
    pinned = ctx.previous().commit
    if receipt.commit == pinned:
        return None
    return f"names {receipt.commit[:SHORT]!r}, and not {pinned[:SHORT]}"


def _published_fault(ctx: RoundContext, receipt: Receipt) -> str | None:
    """Why the commit of a publish receipt published no round; None if it did."""
    commit = _resolved(ctx, receipt)
    metadata = StageMetadata.from_commit(commit) if commit else None
    if commit is None or metadata is None:
        return f"names {receipt.commit[:SHORT]!r}, which no stage published"
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


def _changed(ctx: RoundContext, receipt: Receipt, restore: Restore) -> str | None:
    """What somebody changed in the published rounds at a commit; None if nobody changed them."""
    if receipt.line != refs.MAIN:
        return None
    changed = published_content.fault(ctx.lake, receipt.commit, receipt.dataset, restore)
    return f"names {receipt.commit[:SHORT]}, and {changed} there" if changed else None


def _faults(ctx: RoundContext, receipt: Receipt) -> Iterator[str]:
    """Everything that is wrong with the receipt of a stage, the cheapest to find first."""
    commit, round_ = _resolved(ctx, receipt), ctx.round
    place = (receipt.repository, receipt.branch, receipt.line)
    if place != (ctx.lake.repository, round_.branch, round_.line):
        yield f"is not about {round_.branch} of {ctx.lake.repository}"
        return
    if commit is None:
        yield f"names {receipt.commit[:SHORT]!r}, which is no commit that the lake holds"
        return
    short = commit.id[:SHORT]
    notes = stored_keys.read(ctx.lake, round_.dataset, round_.number)
    if stored_keys.key_of(commit, receipt.stage, notes) != receipt.key:
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
    """The commit of a receipt; None if the lake has none of exactly this id."""
    if not listing.COMMIT.fullmatch(receipt.commit):
        return None
    try:
        commit = ctx.lake.resolve(receipt.commit)
    except NotFoundError:
        return None
    return commit if commit.id == receipt.commit else None
