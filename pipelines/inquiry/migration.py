"""The move of a project to another lake: its repositories, and the signed maps of their commits.

`lake.migration` moves a repository; here are the repositories of a project, the commits that its
receipts name, one move at a time, and what is written when a repository is there as a whole.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from lake import private, settings
from lake.client import replica
from lake.client.replica import Replica
from lake.errors import BusyError, ForbiddenError, NotFoundError, UnauthorizedError
from lake.migration import run
from lake.migration.run import Outcome
from lake.settings import Embedded, Remote
from pipelines.common import signing
from pipelines.params import Params
from pipelines.rounds import moved_commits, receipts, trust
from pipelines.rounds.context import PRIVATE
from pipelines.rounds.moved_commits import CommitMap

LOCK: Final = PRIVATE / "migrate.lock"
NEEDED: Final = (
    "the keys must be allowed to create the repository, branches and tags in it, to write objects, "
    "to commit and to merge"
)

Progress = Callable[[str, int, int], None]
"""Is told the repository, how many bytes are done, and of how many."""


def look(params: Params, home: Path, target: Remote) -> list[Outcome]:
    """Find out what a move would take, and whether the target could take it; change nothing.

    Args:
        params: settings of the project.
        home: directory of the embedded lake.
        target: the lake to move to.

    Raises:
        LakeError: a lake refuses, or the target holds something else.
    """
    named = receipts.named_commits()
    with _rights_named():
        return [
            run.look(source, place, named, _known(place))
            for source, place in _pairs(params, home, target)
        ]


def move(params: Params, home: Path, target: Remote, tell: Progress) -> list[Outcome]:
    """Move all repositories of a project, or what is missing of them, and sign maps of commits.

    Args:
        params: settings of the project.
        home: directory of the embedded lake.
        target: the lake to move to.
        tell: is told how far it is.

    Raises:
        LakeError: a lake refuses, or the target holds something else.
        BusyError: another process moves this project.
        SigningError: there is no key to sign with.
        StaleError: a map of an earlier move cannot be believed, or cannot be written.
    """
    outcomes, named = [], receipts.named_commits()
    with _alone(), _rights_named():
        signer = signing.signer()
        trust.note_key(signer)
        for source, place in _pairs(params, home, target):
            outcome = run.move(
                source,
                place,
                named,
                _known(place),
                namespace=_namespace(target, place.repository),
                tell=partial(tell, source.repository),
            )
            before = moved_commits.of_project(place)
            made = moved_commits.make(
                outcome.repository, outcome.created, outcome.first, outcome.moved, before
            )
            moved_commits.keep(place, made.signed(signer))
            outcomes.append(outcome)
    return outcomes


def _namespace(target: Remote, repository: str) -> str | None:
    """Where the target's store keeps a repository, as the stages have it; None: it knows."""
    base = target.namespace
    return f"{base}{'' if base.endswith('/') else '/'}{repository}" if base else None


@contextmanager
def _rights_named() -> Iterator[None]:
    """Say what keys need the right to do, where they lack it.

    Raises:
        ForbiddenError: they may not do something.
        UnauthorizedError: they may not do something (lakeFS's own answer), or are wrong.
    """
    try:
        yield
    except (ForbiddenError, UnauthorizedError) as error:
        raise type(error)(f"{error}; {NEEDED}") from error


def _pairs(params: Params, home: Path, target: Remote) -> Iterator[tuple[Replica, Replica]]:
    """Each repository of a project, where it is and where it goes."""
    if not (home / "catalog.db").exists():
        raise NotFoundError(f"there is no lake in {home}: name its directory with --home")
    held_out = settings.holdout(target)
    for name, where in ((params.lake.repository, target), (params.lake.holdout, held_out)):
        yield replica.open_replica(Embedded(home), name), replica.open_replica(where, name)


def _known(target: Replica) -> set[str]:
    """Commits that an earlier move made in a target, as the project's map has them."""
    before: CommitMap | None = moved_commits.of_project(target)
    return set(before.commits.values()) if before else set()


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes from moving this project at the same time.

    Raises:
        BusyError: one does.
    """
    private.folder(PRIVATE)
    private.touch(LOCK)
    with LOCK.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("another process moves this project to another lake already") from None
        yield
