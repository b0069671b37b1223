"""Round branches: where they are cut, what is committed on them once, how they move to a new main.

A round branch is cut from main's head, without what the round supersedes, so `main...branch` is
what a merge would change. That holds as long as main's rounds of the data set stay as they were.
When they have changed since (this very round was published before, for one), the branch is carried:
it is cut anew and its commits are picked onto it, so nothing is generated or verified a second
time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lake import refs
from lake.values import Commit
from pipelines.common import console
from pipelines.common.errors import StaleError
from pipelines.params import Round
from pipelines.rounds import history, merging
from pipelines.rounds.context import RoundContext
from pipelines.rounds.staging_branch import staging_branch

Produce = Callable[[str], Mapping[str, str]]
"""Writes a stage's objects on the branch it is given, and returns metadata to add."""


def metadata(round_: Round, stage: str, key: str) -> dict[str, str]:
    """What every commit of a stage says about itself."""
    return {
        "stemma.stage": stage,
        "stemma.dataset": round_.dataset,
        "stemma.round": str(round_.number),
        "stemma.line": round_.line,
        "stemma.input_key": key,
    }


def adopt(ctx: RoundContext, stage: str, key: str, *, supersede: bool) -> Commit | None:
    """The commit that carries an input key, on a branch that can lead to main; None: there is none.

    Args:
        ctx: the round.
        stage: the stage's name, for the terminal.
        key: the input key.
        supersede: as in `origin`.

    Raises:
        StaleError: the commit has to be carried to a new main and cannot be.
    """
    found = history.find(ctx.lake, ctx.round, "stemma.input_key", key)
    if found is None:
        return None
    if history.is_published(ctx.lake, ctx.round, found):
        console.line(f"{stage}: adopted {found.id[:12]}, which main holds")
        return found
    kept = rebase_onto_main(ctx, found, supersede=supersede)
    console.line(f"{stage}: adopted {kept.id[:12]}")
    return kept


def commit_once(
    ctx: RoundContext,
    stage: str,
    *,
    key: str,
    start: str,
    produce: Produce,
    message: str,
    supersede: bool = False,
) -> Commit:
    """Adopt the commit that carries the key, or make it on the round's branch.

    Args:
        ctx: the round.
        stage: the stage's name, for the metadata.
        key: the input key.
        start: the commit of the stage before, on which the attempt begins.
        produce: writes the stage's objects.
        message: the commit message.
        supersede: as in `origin`.

    Raises:
        StaleError: main holds other rounds than the receipts say.
    """
    found = adopt(ctx, stage, key, supersede=supersede)
    if found is not None:
        return found
    before = rebase_onto_main(ctx, ctx.lake.resolve(start), supersede=supersede)
    with staging_branch(ctx.lake, ctx.round.branch, before.id) as branch:
        return finish(ctx, branch, stage, key=key, produce=produce, message=message)


def finish(
    ctx: RoundContext, branch: str, stage: str, *, key: str, produce: Produce, message: str
) -> Commit:
    """Write on an attempt's branch, commit once, and make the commit the round's head."""
    extra = produce(branch)
    commit = ctx.lake.commit(branch, message, metadata(ctx.round, stage, key) | dict(extra))
    ctx.lake.set_branch(ctx.round.branch, commit.id)
    return commit


def origin(ctx: RoundContext, *, supersede: bool) -> str:
    """Where the round's branch has to begin: main's head, or what the previous round pinned.

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
    held = history.published(ctx.lake, round_.dataset, base)
    before = max((number for number in held if number < round_.number), default=None)
    if before != round_.previous or held[before].commit != pinned:
        place = f"rounds/{round_.dataset}/{round_.previous}/publish.json"
        raise StaleError(
            f"main does not hold round {round_.previous} of {round_.dataset}, as {place} says, "
            f"right before round {round_.number}; fetch your team's receipts (git pull) and run "
            "`dvc repro` again"
        )
    redo = f"stemma stage generate {round_.key}"
    merging.refuse_unknown(round_.dataset, round_.number, held, supersede=supersede, redo=redo)
    return base


def clear(ctx: RoundContext, branch: str, base: str) -> str:
    """Remove on an attempt's branch what the round supersedes; return the commit to write on."""
    if ctx.round.line != refs.MAIN:
        return base
    about = metadata(ctx.round, "supersede", "")
    return merging.supersede(ctx.lake, ctx.round.dataset, ctx.round.number, branch, about)


def rebase_onto_main(ctx: RoundContext, commit: Commit, *, supersede: bool) -> Commit:
    """A commit of the round's branch, carried to main as it is now if main's rounds have changed.

    Raises:
        StaleError: main holds other rounds than the receipts say.
    """
    if history.leads_to_main(ctx.lake, ctx.round, commit):
        return commit
    made = list(history.chain(ctx.lake, commit.id, ctx.round))[::-1]
    base = origin(ctx, supersede=supersede)
    with staging_branch(ctx.lake, ctx.round.branch, base) as branch:
        last = clear(ctx, branch, base)
        for each in made:
            about = dict(each.metadata)
            if about.get("stemma.stage") == "supersede":
                continue
            if "stemma.base" in about:
                about["stemma.base"] = base
            last = ctx.lake.cherry_pick(branch, each.id, each.message, about).id
        ctx.lake.set_branch(ctx.round.branch, last)
    console.line(f"{ctx.round.branch}: carried to main as it is now")
    return ctx.lake.resolve(last)
