"""The whole move of a repository: read, recognise, make, and point branches and tags there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lake.client.replica import Replica
from lake.commit_ids import Moved
from lake.errors import ConflictError, InvalidError
from lake.migration import matching, plan
from lake.migration.matching import SHORT
from lake.migration.plan import WORK, Plan
from lake.migration.replay import Progress, Replay, Tally
from lake.values import Commit

LOCAL: Final = "local"
"""Type of a server's store that needs no bucket."""


@dataclass(frozen=True, slots=True)
class NotReproduced:
    """What the API of a target cannot make as it was, counted."""

    dates: int
    """Commits that have another date: the first one, and merges."""
    committers: int
    """Commits by another name: the one whose keys are used."""
    server_entries: int
    """Commits whose metadata the server adds to or alters, in entries of its own."""
    flattened: int
    """Merges that no strategy gives, made with one parent."""
    uncommitted: int
    """Paths that are changed on branches of the source and not committed."""
    unprotected: int
    """Rules of branch protection that the target does not take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a move of a repository took, and what of it was there already."""

    repository: str
    commits: int
    merges: int
    branches: int
    tags: int
    kept: int
    """Branches made for commits that only receipts name."""
    objects: int
    """Objects of all commits, each as often as a commit brings it."""
    object_bytes: int
    made: int
    """Commits that this run made, or would make."""
    to_send: int
    """Objects of these commits."""
    to_send_bytes: int
    tally: Tally
    uncommitted: int
    """Paths that are changed on branches of the source and not committed; they stay behind."""
    not_reproduced: NotReproduced | None
    """None where nothing was made."""
    first: str
    """Id of the commit by which the source was created."""
    created: int
    """Creation of the source, in unix seconds."""
    moved: dict[str, Moved] = field(repr=False)
    """What each commit has become, by its id in the source."""


def look(
    source: Replica, target: Replica, named: Iterable[str], known: Collection[str] = ()
) -> Outcome:
    """Find out what a move would take; arguments as `move`.

    Raises:
        LakeError: a lake refuses, or the target holds something else.
    """
    planned = plan.read(source, named)
    found: dict[str, Commit] = {}
    if target.facts() is not None:
        found = matching.find(planned, source, target, known)
        Replay(planned, source, target, found, lambda *_: None).refuse_staged()
        _refuse_staged_heads(planned, target, found)
    return _outcome(planned, found, Tally(), _missing(planned, found), None)


def move(
    source: Replica,
    target: Replica,
    named: Iterable[str],
    known: Collection[str] = (),
    *,
    namespace: str | None,
    tell: Progress,
) -> Outcome:
    """Move a repository, or what is missing of it.

    Args:
        source: the repository.
        target: the repository to move it to, which is created where it is missing.
        named: ids of commits that are taken even if no branch or tag leads to them.
        known: ids of commits of the target that an earlier move made.
        namespace: where the target's store keeps it; None: below the store's default.
        tell: is told how far it is.

    Raises:
        LakeError: a lake refuses, or the target holds something else.
    """
    planned = plan.read(source, named)
    if target.facts() is None:
        target.create(namespace or _namespace(target), planned.default_branch)
    found = matching.find(planned, source, target, known)
    missing = _missing(planned, found)
    replay = Replay(planned, source, target, found, tell)
    replay.run()
    _point(planned, target, found, known)
    unprotected = _protect(planned, target)
    _clear(target)
    return _outcome(planned, found, replay.tally, missing, unprotected)


def _namespace(target: Replica) -> str:
    """Where a server keeps a repository by default.

    Raises:
        InvalidError: nothing says where.
    """
    kind, prefix = target.storage()
    if prefix:
        return f"{prefix}{'' if prefix.endswith('/') else '/'}{target.repository}"
    if kind == LOCAL:
        return f"local://{target.repository}"
    raise InvalidError(
        f"the lake at {target.endpoint} keeps objects in {kind} and names no default place: say "
        "where with --namespace or STEMMA_STORAGE_NAMESPACE, such as s3://bucket/folder"
    )


def _missing(planned: Plan, found: dict[str, Commit]) -> tuple[int, int, int]:
    """Commits, objects and bytes that the target lacks."""
    steps = [step for step in planned.steps if step.commit.id not in found]
    return len(steps), sum(step.objects for step in steps), sum(step.size for step in steps)


def _point(
    planned: Plan, target: Replica, found: Mapping[str, Commit], known: Collection[str]
) -> None:
    """Make branches and tags.

    Raises:
        ConflictError: one is there, and leads elsewhere or has uncommitted changes.
    """
    ours = {*known, *(commit.id for commit in found.values())}
    heads, tags = target.branches(), target.tags()
    for name, former in {**planned.branches, **planned.kept}.items():
        commit, head = found[former].id, heads.get(name)
        if head == commit:
            continue
        if name == planned.default_branch or head not in {None, *ours}:
            raise _elsewhere(target, "branch", name, head)
        if head is not None:
            matching.refuse_staged(target, name, target.uncommitted(name))
            target.delete_branch(name)
        hidden = name in planned.hidden or name in planned.kept
        target.make_branch(name, commit, hidden=hidden)
    for name, former in planned.tags.items():
        if name not in tags:
            target.tag(name, found[former].id)
        elif tags[name] != found[former].id:
            raise _elsewhere(target, "tag", name, tags[name])


def _refuse_staged_heads(planned: Plan, target: Replica, found: Mapping[str, Commit]) -> None:
    """Refuse branches that a move would point elsewhere, and on which somebody staged something.

    Raises:
        ConflictError: there is one.
    """
    heads = target.branches()
    for name, former in {**planned.branches, **planned.kept}.items():
        stays = former in found and heads.get(name) == found[former].id
        if name in heads and name != planned.default_branch and not stays:
            matching.refuse_staged(target, name, target.uncommitted(name))


def _elsewhere(target: Replica, kind: str, name: str, commit: str | None) -> ConflictError:
    return ConflictError(
        f"the {kind} {name} of {target.repository} in the lake at {target.endpoint} leads to "
        f"{(commit or 'no commit')[:SHORT]}, and not to what it leads to here: move to an empty "
        "repository"
    )


def _protect(planned: Plan, target: Replica) -> int:
    """Protect branches as the source does; return how many rules the target does not take."""
    held = target.protected() if planned.protected else []
    lacking = [pattern for pattern in planned.protected if pattern not in held]
    return 0 if not lacking or target.protect([*held, *lacking]) else len(lacking)


def _clear(target: Replica) -> None:
    """Remove the branches on which commits were made."""
    for name in target.branches(WORK):
        target.delete_branch(name)


def _outcome(
    planned: Plan,
    found: dict[str, Commit],
    tally: Tally,
    missing: tuple[int, int, int],
    unprotected: int | None,
) -> Outcome:
    originals = [planned.first, *(step.commit for step in planned.steps)]
    pairs = [(each, found[each.id]) for each in originals if each.id in found]
    complete = unprotected is not None
    return Outcome(
        repository=planned.repository,
        commits=len(originals),
        merges=sum(step.is_merge for step in planned.steps),
        branches=len(planned.branches),
        tags=len(planned.tags),
        kept=len(planned.kept),
        objects=sum(step.objects for step in planned.steps),
        object_bytes=planned.bytes,
        made=missing[0],
        to_send=missing[1],
        to_send_bytes=missing[2],
        tally=tally,
        uncommitted=planned.uncommitted,
        not_reproduced=_differences(planned, pairs, unprotected or 0) if complete else None,
        first=planned.first.id,
        created=planned.created,
        moved={former.id: _moved(former, made) for former, made in pairs} if complete else {},
    )


def _differences(
    planned: Plan, pairs: list[tuple[Commit, Commit]], unprotected: int
) -> NotReproduced:
    def count(differs: Callable[[Commit, Commit], bool]) -> int:
        return sum(differs(former, made) for former, made in pairs)

    return NotReproduced(
        dates=count(lambda former, made: former.created != made.created),
        committers=count(lambda former, made: former.committer != made.committer),
        server_entries=count(lambda former, made: former.metadata != made.metadata),
        flattened=count(lambda former, made: len(former.parents) != len(made.parents)),
        uncommitted=planned.uncommitted,
        unprotected=unprotected,
    )


def _moved(former: Commit, made: Commit) -> Moved:
    return Moved(
        made.id,
        None if made.created == former.created else former.created,
        None if made.committer == former.committer else former.committer,
    )
