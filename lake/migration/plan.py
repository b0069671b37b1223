"""What a move takes: all commits that a branch, a tag or a receipt leads to, in order.

A commit is made on a branch. The first-parent history of the default branch is made on the default
branch itself, which no API can point elsewhere; every other line of commits is made on a branch of
its own, which goes when everything is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lake import refs
from lake.client import Lake
from lake.client.replica import Replica
from lake.errors import CorruptError, InvalidError, NotFoundError
from lake.values import Commit

WORK: Final = "stemma-moving-"
"""How the branches begin on which commits are made."""
KEPT: Final = "stemma-kept-"
"""How the branches begin that keep commits which no branch or tag of the source leads to."""
_NAME_DIGITS: Final = 16
_ID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Step:
    """A commit to make, the branch to make it on, and what has to be sent for it."""

    commit: Commit
    branch: str
    objects: int
    size: int
    """Bytes of the objects."""

    @property
    def parent(self) -> str:
        """Id of its first parent."""
        return self.commit.parents[0]

    @property
    def is_merge(self) -> bool:
        """Whether it has two parents."""
        return len(self.commit.parents) > 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A repository with all that leads to it."""

    repository: str
    created: int
    """Its creation, in unix seconds."""
    default_branch: str
    branches: Mapping[str, str]
    hidden: frozenset[str]
    tags: Mapping[str, str]
    kept: Mapping[str, str]
    """Branches to make for commits that receipts name and no ref leads to."""
    protected: tuple[str, ...]
    first: Commit
    """The commit by which the repository was created."""
    steps: tuple[Step, ...]
    """All other commits, parents before children."""
    uncommitted: int
    """Paths that are changed on branches and not committed; they stay behind."""

    @property
    def bytes(self) -> int:
        """Bytes of all objects to send."""
        return sum(step.size for step in self.steps)


def read(source: Replica, named: Iterable[str] = ()) -> Plan:
    """Read what a move of a repository takes.

    Args:
        source: the repository.
        named: ids of commits that receipts name; those that it does not hold are passed over.

    Raises:
        NotFoundError: there is no such repository.
        InvalidError: its history has a shape that the API cannot make.
    """
    facts = source.facts()
    if facts is None:
        raise NotFoundError(f"the lake at {source.endpoint} has no repository {source.repository}")
    branches = {name: head for name, head in source.branches().items() if name != refs.MOVED}
    tags = source.tags()
    commits = reachable(source, [*branches.values(), *tags.values()])
    kept = _kept(source, commits, named)
    ordered = in_order(commits)
    roots = [commit for commit in ordered if not commit.parents]
    if len(roots) != 1 or source.objects(roots[0].id):
        raise InvalidError(
            f"the history of {source.repository} begins with {len(roots)} commits, or with objects "
            "in the first one; lakeFS begins one with an empty commit"
        )
    default = facts.default_branch
    lines = _lines(ordered, _first_parents(commits, branches.get(default)), default)
    return Plan(
        source.repository,
        facts.created,
        default,
        branches,
        frozenset(source.hidden_branches() - {refs.MOVED}),
        tags,
        kept,
        tuple(source.protected()),
        roots[0],
        tuple(_step(source, commit, lines[commit.id]) for commit in ordered if commit.parents),
        sum(len(source.uncommitted(branch)) for branch in branches),
    )


def reachable(lake: Lake, heads: Iterable[str]) -> dict[str, Commit]:
    """The commits that some commits lead to, by id; each part of the log is read once."""
    found: dict[str, Commit] = {}
    for head in heads:
        missing = {head} - found.keys()
        for commit in lake.log(head) if missing else ():
            found[commit.id] = commit
            missing.discard(commit.id)
            missing.update(parent for parent in commit.parents if parent not in found)
            if not missing:
                break
        if missing:
            raise CorruptError(
                f"{lake.repository} does not hold {min(missing)[:12]}, which {head[:12]} leads to"
            )
    return found


def in_order(commits: Mapping[str, Commit]) -> list[Commit]:
    """Commits with parents before their children, always in the same order."""
    depths: dict[str, int] = {}
    waiting = list(commits)
    while waiting:
        commit = commits[waiting[-1]]
        open_ones = [parent for parent in commit.parents if parent not in depths]
        if open_ones:
            waiting += open_ones
            continue
        depths[waiting.pop()] = 1 + max((depths[parent] for parent in commit.parents), default=0)
    return sorted(commits.values(), key=lambda each: (depths[each.id], each.created, each.id))


def _kept(source: Replica, commits: dict[str, Commit], named: Iterable[str]) -> dict[str, str]:
    """Branches for named commits that no ref leads to; these are added to the commits."""
    kept: dict[str, str] = {}
    for name in sorted(name for name in set(named) - commits.keys() if _ID.fullmatch(name)):
        try:
            commit = source.resolve(name)
        except NotFoundError:
            continue
        if commit.id == name:
            commits |= reachable(source, [name])
            kept[f"{KEPT}{name[:_NAME_DIGITS]}"] = name
    return kept


def _first_parents(commits: Mapping[str, Commit], head: str | None) -> set[str]:
    """Ids of the first-parent history of a commit."""
    ids: set[str] = set()
    while head is not None:
        ids.add(head)
        parents = commits[head].parents
        head = parents[0] if parents else None
    return ids


def _lines(ordered: Iterable[Commit], main: set[str], default_branch: str) -> dict[str, str]:
    """The branch on which each commit is made: its parent's where that ends there, or a new one."""
    lines: dict[str, str] = {}
    ends: dict[str, str] = {}
    for commit in ordered:
        line = default_branch
        if commit.id not in main:
            parent = commit.parents[0] if commit.parents else ""
            line = ends.pop(parent, f"{WORK}{commit.id[:_NAME_DIGITS]}")
            ends[commit.id] = line
        lines[commit.id] = line
    return lines


def _step(source: Replica, commit: Commit, branch: str) -> Step:
    if len(commit.parents) > 1:
        return Step(commit, branch, 0, 0)
    states = [state for state in source.changes(commit.parents[0], commit.id).values() if state]
    return Step(commit, branch, len(states), sum(state.size for state in states))
