"""Round branches: where they start, and how they are rebased onto a new main.

A round branch starts at main's head, without what the round supersedes, so `main...branch` is what
a merge would change. That holds as long as main's rounds of the data set do not change. When they
have changed (because this very round was published meanwhile, for example), the branch is rebased:
it is created anew and its commits are cherry-picked onto it, so nothing is generated or verified
twice.
"""

from __future__ import annotations

from lake import refs
from lake.values import Commit
from pipelines.common import console
from pipelines.common.errors import StaleError
from pipelines.params import Round
from pipelines.rounds import history, merging
from pipelines.rounds.context import RoundContext
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import BASE, StageMetadata
from pipelines.rounds.staging_branch import staging_branch


def metadata(round_: Round, stage: str, key: StageKey | None = None) -> StageMetadata:
    """The metadata of a commit that a stage makes for a round."""
    return StageMetadata(stage, round_.dataset, round_.number, round_.line, key)


def origin(ctx: RoundContext, *, supersede: bool) -> str:
    """The commit at which the round's branch starts: main's head, or the previous round's commit.

    Args:
        ctx: the round.
        supersede: replace rounds on main that this checkout's receipts do not know.

    Raises:
        StaleError: main holds other rounds than the receipts say.
    """
    round_, pinned = ctx.round, ctx.previous().commit
    if round_.line != refs.MAIN:
        return pinned
    base = ctx.lake.resolve(refs.MAIN).id
    published_rounds = history.published(ctx.lake, round_.dataset, base)
    previous = max((number for number in published_rounds if number < round_.number), default=None)
    if previous != round_.previous or published_rounds[previous].commit != pinned:
        receipt = f"rounds/{round_.dataset}/{round_.previous}/publish.json"
        raise StaleError(
            f"main does not hold round {round_.previous} of {round_.dataset}, as {receipt} says, "
            f"right before round {round_.number}; fetch your team's receipts (git pull) and run "
            "`dvc repro` again"
        )
    redo = f"stemma stage generate {round_.key}"
    merging.refuse_unknown(
        round_.dataset, round_.number, published_rounds, supersede=supersede, redo=redo
    )
    return base


def clear(ctx: RoundContext, branch: str, base: str) -> str:
    """Remove on a staging branch what the round supersedes; return the commit to write on."""
    if ctx.round.line != refs.MAIN:
        return base
    removal = metadata(ctx.round, "supersede")
    return merging.supersede(ctx.lake, branch, removal)


def cleared(ctx: RoundContext, base: str) -> str:
    """Commit on top of `base` the removal of what the round supersedes; return the new commit."""
    with staging_branch(ctx.lake, ctx.round.branch, base) as branch:
        return clear(ctx, branch, base)


def rebase_onto_main(ctx: RoundContext, commit: Commit, *, supersede: bool) -> Commit:
    """Rebase a commit of the round's branch onto the current main if main's rounds have changed.

    Raises:
        StaleError: main holds other rounds than the receipts say.
    """
    if history.leads_to_main(ctx.lake, ctx.round, commit):
        return commit
    commits = list(history.chain(ctx.lake, commit.id, ctx.round))[::-1]
    base = origin(ctx, supersede=supersede)
    with staging_branch(ctx.lake, ctx.round.branch, base) as branch:
        last = clear(ctx, branch, base)
        for original in commits:
            entries = dict(original.metadata)
            stage_metadata = StageMetadata.from_commit(original)
            if stage_metadata is not None and stage_metadata.stage == "supersede":
                continue
            if BASE in entries:
                entries[BASE] = base
            last = ctx.lake.cherry_pick(branch, original.id, original.message, entries).id
        ctx.lake.set_branch(ctx.round.branch, last)
    console.line(f"{ctx.round.branch}: rebased onto main as it is now")
    return ctx.lake.resolve(last)
