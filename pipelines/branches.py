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
from pipelines import history, publishing, say
from pipelines.errors import StaleError
from pipelines.params import Round
from pipelines.work import Work

Produce = Callable[[str], Mapping[str, str]]
"""Writes a stage's objects on the branch it is given, and returns metadata to add."""


def metadata(work: Round, stage: str, key: str) -> dict[str, str]:
    """What every commit of a stage says about itself."""
    return {
        "stemma.stage": stage,
        "stemma.dataset": work.dataset,
        "stemma.round": str(work.number),
        "stemma.line": work.line,
        "stemma.input_key": key,
    }


def adopt(work: Work, stage: str, key: str, *, supersede: bool) -> Commit | None:
    """The commit that carries an input key, on a branch that can lead to main; None: there is none.

    Args:
        work: the round.
        stage: the stage's name, for the terminal.
        key: the input key.
        supersede: as in `cut`.

    Raises:
        StaleError: the commit has to be carried to a new main and cannot be.
    """
    found = history.find(work.lake, work.round, "stemma.input_key", key)
    if found is None:
        return None
    if history.is_published(work.lake, work.round, found):
        say.line(f"{stage}: adopted {found.id[:12]}, which main holds")
        return found
    kept = on_main(work, found, supersede=supersede)
    say.line(f"{stage}: adopted {kept.id[:12]}")
    return kept


def commit_once(
    work: Work,
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
        work: the round.
        stage: the stage's name, for the metadata.
        key: the input key.
        start: the commit of the stage before; the branch is set to it before anything is written.
        produce: writes the stage's objects.
        message: the commit message.
        supersede: as in `cut`.

    Raises:
        StaleError: something else was committed on the branch meanwhile, or main moved.
    """
    found = adopt(work, stage, key, supersede=supersede)
    if found is not None:
        return found
    before = on_main(work, work.lake.resolve(start), supersede=supersede)
    return commit_on(work, stage, key=key, start=before.id, produce=produce, message=message)


def commit_on(
    work: Work, stage: str, *, key: str, start: str, produce: Produce, message: str
) -> Commit:
    """Set the round's branch to a commit, write, and commit once; arguments as `commit_once`.

    Raises:
        StaleError: something else was committed on the branch meanwhile.
    """
    branch = work.round.branch
    work.lake.set_branch(branch, start)
    extra = produce(branch)
    commit = work.lake.commit(branch, message, metadata(work.round, stage, key) | dict(extra))
    _check_parent(work, commit, start)
    return commit


def cut(work: Work, key: str, *, supersede: bool) -> tuple[str, str]:
    """Cut the round's branch.

    On the main line it is cut from main's head, with what the round supersedes removed in a commit
    of its own. On another line it starts at the commit that the previous round pinned.

    Args:
        work: the round.
        key: the input key of the stage that writes first.
        supersede: replace rounds on main that this checkout's receipts do not know.

    Returns:
        The commit to write on, and the commit of main (or of the line) that it goes back to.

    Raises:
        StaleError: main holds other rounds than the receipts say.
    """
    pinned = work.previous().commit
    if work.round.line != refs.MAIN:
        return pinned, pinned
    round_ = work.round
    held = history.published(work.lake, round_.dataset)
    before = held.get(round_.previous)
    if before is None or before.commit != pinned:
        place = f"rounds/{round_.dataset}/{round_.previous}/publish.json"
        raise StaleError(
            f"main no longer holds round {round_.previous} of {round_.dataset} as {place} says; "
            "fetch your team's receipts (git pull) and run `dvc repro` again"
        )
    redo = f"python -m pipelines.generate {round_.key}"
    publishing.refuse_unknown(round_.dataset, round_.number, held, supersede=supersede, redo=redo)
    about = metadata(round_, "supersede", key)
    return publishing.supersede(work.lake, round_.dataset, round_.number, round_.branch, about)


def on_main(work: Work, commit: Commit, *, supersede: bool) -> Commit:
    """A commit of the round's branch, carried to main as it is now if main's rounds have changed.

    Raises:
        StaleError: main holds other rounds than the receipts say.
    """
    if history.leads_to_main(work.lake, work.round, commit):
        return commit
    made = list(history.chain(work.lake, commit.id, work.round))[::-1]
    start, base = cut(work, commit.metadata["stemma.input_key"], supersede=supersede)
    last = start
    for each in made:
        about = dict(each.metadata)
        if about["stemma.stage"] == "supersede":
            continue
        if "stemma.base" in about:
            about["stemma.base"] = base
        picked = work.lake.cherry_pick(work.round.branch, each.id, each.message, about)
        _check_parent(work, picked, last)
        last = picked.id
    say.line(f"{work.round.branch}: carried to main as it is now")
    return work.lake.resolve(last)


def _check_parent(work: Work, commit: Commit, start: str) -> None:
    if commit.parents[0] != start:
        raise StaleError(
            f"another run wrote to {work.round.branch} at the same time; run this again"
        )
