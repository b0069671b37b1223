"""What a target holds of a history already, recognised by parents, message, metadata and tree.

An interrupted move leaves commits and no notes. A commit of the target is the one that a commit of
the source became if its parents are what those of the other became, if it says the same, and if it
changes the same. Whatever else the target holds is somebody else's, and nothing is moved beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from lake import refs
from lake.client.replica import Replica
from lake.errors import ConflictError, InvalidError
from lake.migration.plan import KEPT, WORK, Plan, Step, reachable
from lake.values import Commit

OF_SERVERS: Final = ".lakefs."
"""How the metadata entries begin that servers add."""
SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""


def find(
    plan: Plan, source: Replica, target: Replica, known: Collection[str] = ()
) -> dict[str, Commit]:
    """Find what each commit of a plan has become in the target, by its id in the source.

    Args:
        plan: the history.
        source: the repository that it was read from.
        target: the repository that it is moved to, which exists.
        known: ids of commits that an earlier move made, whether the source still has them or not.

    Raises:
        InvalidError: the target is the source itself.
        ConflictError: the target holds something else.
    """
    held = _held(target, working=True)
    children: dict[tuple[str, ...], list[Commit]] = {}
    for commit in held.values():
        children.setdefault(commit.parents, []).append(commit)
    found = _first(plan, target, children.get((), []))
    lines = _lines(plan, target, held)
    for step in plan.steps:
        placed = lines.get(step.commit.id, ())
        match = _match(step, found, children, placed=placed, source=source, target=target)
        if match is not None:
            found[step.commit.id] = match
            children[match.parents].remove(match)
    _refuse_others(plan, target, {*known, *(commit.id for commit in found.values())})
    return found


def same(step: Step, made: Commit, before: str, source: Replica, target: Replica) -> bool:
    """Tell whether a commit changes its first parent as the original changes its own.

    Args:
        step: the original.
        made: the commit of the target.
        before: its first parent.
        source: the repository of the original.
        target: the repository of the commit.
    """
    wanted = source.changes(step.parent, step.commit.id)
    changed = target.changes(before, made.id)
    return wanted.keys() == changed.keys() and all(
        state == wanted[path]
        or (state is not None and not state.metadata and target.stat(made.id, path) == wanted[path])
        for path, state in changed.items()
    )


def refuse_staged(target: Replica, branch: str, paths: Collection[str]) -> None:
    """Refuse a branch on which somebody has staged something.

    Args:
        target: the repository.
        branch: one of it.
        paths: what is staged there and not of a move.

    Raises:
        ConflictError: something is.
    """
    if paths:
        raise ConflictError(
            f"the branch {branch} of {target.repository} in the lake at {target.endpoint} has "
            f"{len(paths)} uncommitted changes that are not of this move, such as {min(paths)}: "
            "whoever works there resets the branch, or moves to an empty repository"
        )


def entries(commit: Commit) -> dict[str, str]:
    """The metadata of a commit without what servers add."""
    return {
        name: value for name, value in commit.metadata.items() if not name.startswith(OF_SERVERS)
    }


def _held(target: Replica, *, working: bool) -> dict[str, Commit]:
    """All commits of the target but those of its map; with or without what is not finished."""
    others = (refs.MOVED,) if working else (refs.MOVED, KEPT, WORK)
    branches = [head for name, head in target.branches().items() if not name.startswith(others)]
    return reachable(target, [*branches, *target.tags().values()])


def _first(plan: Plan, target: Replica, roots: list[Commit]) -> dict[str, Commit]:
    """The commit by which the target was created, which no API can make.

    Raises:
        InvalidError: the target is the source itself.
        ConflictError: the target is another project's.
    """
    facts = target.facts()
    if len(roots) != 1 or facts is None or facts.default_branch != plan.default_branch:
        raise _other(target, f"its default branch is not {plan.default_branch}, or has no commit")
    if roots[0].id == plan.first.id:
        raise InvalidError(
            f"the lake at {target.endpoint} is the one that {plan.repository} is in already: name "
            "another"
        )
    if target.objects(roots[0].id):
        raise _other(target, f"its first commit {roots[0].id[:SHORT]} holds objects")
    return {plan.first.id: roots[0]}


def _lines(plan: Plan, target: Replica, held: Mapping[str, Commit]) -> dict[str, set[str]]:
    """The commits of the target in the place of each commit of the source, by refs of one name.

    Of two equal merges only their place tells which became which: what was made on one of them
    would be missing on the other.
    """
    commits = {plan.first.id: plan.first, **{step.commit.id: step.commit for step in plan.steps}}
    ends = {step.branch: step.commit.id for step in plan.steps}
    there = {**target.tags(), **target.branches()}
    places: dict[str, set[str]] = {}
    for name, head in {**ends, **plan.kept, **plan.tags, **plan.branches}.items():
        if there.get(name) in held:
            here, copies = _first_parents(commits, head), _first_parents(held, there[name])
            for former, copy in zip(here, copies, strict=False):  # as far as both go
                places.setdefault(former, set()).add(copy)
    return places


def _first_parents(commits: Mapping[str, Commit], head: str) -> list[str]:
    """Ids of the first-parent history of a commit, the oldest first."""
    ids = [head]
    while parents := commits[ids[-1]].parents:
        ids.append(parents[0])
    return ids[::-1]


def _match(
    step: Step,
    found: Mapping[str, Commit],
    children: Mapping[tuple[str, ...], list[Commit]],
    *,
    placed: Collection[str],
    source: Replica,
    target: Replica,
) -> Commit | None:
    """The commit of the target that a commit has become; None where there is none yet.

    Args:
        step: the commit.
        found: what others have become.
        children: commits of the target that nothing has become yet, by their parents.
        placed: commits of the target that are in its place, which come before their equals.
        source: the repository that it is moved from.
        target: the repository that it is moved to.
    """
    if any(parent not in found for parent in step.commit.parents):
        return None
    parents = tuple(found[parent].id for parent in step.commit.parents)
    flat = children.get(parents[:1], []) if step.is_merge else []
    alike = [
        commit
        for commit in [*children.get(parents, []), *flat]
        if commit.message == step.commit.message and entries(commit) == entries(step.commit)
    ]
    alike.sort(key=lambda made: (made.id not in placed, made.created != step.commit.created))
    return next(
        (commit for commit in alike if same(step, commit, parents[0], source, target)), None
    )


def _refuse_others(plan: Plan, target: Replica, ours: set[str]) -> None:
    """Refuse a target that holds commits, branches or tags that the source does not.

    Raises:
        ConflictError: it does.
    """
    held = _held(target, working=False)
    others = [commit for commit in held.values() if commit.id not in ours]
    if others:
        first = min(others, key=lambda commit: (commit.created, commit.id))
        message = " ".join(first.message.split())
        raise _other(target, f"the commit {first.id[:SHORT]} ({message}) is not of this project")
    of_moves = (KEPT, refs.MOVED, WORK)
    branches = {name for name in target.branches() if not name.startswith(of_moves)}
    for name in sorted(branches - plan.branches.keys() - {plan.default_branch}):
        raise _other(target, f"its branch {name} is not of this project")
    for name in sorted(target.tags().keys() - plan.tags.keys()):
        raise _other(target, f"its tag {name} is not of this project")


def _other(target: Replica, what: str) -> ConflictError:
    return ConflictError(
        f"the repository {target.repository} of the lake at {target.endpoint} holds something "
        f"else: {what}; work on it has begun, or the name is another project's: move to an empty "
        "repository"
    )
