"""The commits of a history, made again one by one, each checked before the next.

A commit of one parent is its changes, staged and committed. A merge is made by merging what its
parents became: which strategy gives its tree is found out before, from what both sides changed. A
merge that no strategy gives is made as a commit of one parent with its tree, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from lake.client.replica import DEFAULT, STRATEGY, Replica
from lake.errors import ConflictError, CorruptError
from lake.migration import matching
from lake.migration.matching import SHORT
from lake.migration.plan import Plan, Step
from lake.values import Commit, ObjectState

WORKERS: Final = 8
"""How many objects are sent at once."""
REMEMBERED: Final = 100_000
"""Of how many objects it is remembered where the target holds them."""

Progress = Callable[[int, int], None]
"""Is told how many bytes of objects are done, and of how many."""


@dataclass(slots=True)
class Tally:
    """What one run made."""

    commits: int = 0
    sent: int = 0
    sent_bytes: int = 0
    copied: int = 0
    """Objects that the target held already in another commit, and copied itself."""
    flattened: list[str] = field(default_factory=list)
    """Merges that no strategy gives, by their ids in the source."""


@dataclass(slots=True)
class Replay:
    """Makes the commits of a plan that the target lacks."""

    plan: Plan
    source: Replica
    target: Replica
    found: dict[str, Commit]
    """What commits have become, by their ids in the source; those that are made are added."""
    tell: Progress
    tally: Tally = field(default_factory=Tally)
    _heads: dict[str, str] = field(default_factory=dict)
    _origins: dict[ObjectState, tuple[str, str]] = field(default_factory=dict)
    """Where the target holds objects: a commit, and the path there."""
    _done: int = 0

    def run(self) -> None:
        """Make the commits that are missing.

        Raises:
            ConflictError: somebody else works on the target.
            CorruptError: a commit comes out with another tree, or an object is damaged.
        """
        for branch in self.refuse_staged():
            self.target.forget_staged(branch)
        for step in self.plan.steps:
            if step.commit.id not in self.found:
                self._make(step)
                self.tally.commits += 1
            self._done += step.size
            self.tell(self._done, self.plan.bytes)

    def refuse_staged(self) -> list[str]:
        """Branches on which a move that was interrupted has staged something for a commit.

        Raises:
            ConflictError: somebody else has staged something.
        """
        self._heads = self.target.branches()
        missing = [step for step in self.plan.steps if step.commit.id not in self.found]
        next_on = {step.branch: step for step in reversed(missing)}
        found = []
        for branch in next_on.keys() & self._heads.keys():
            staged, step = self.target.uncommitted(branch), next_on[branch]
            if branch == self.plan.default_branch:
                others = staged - self.source.changes(step.parent, step.commit.id).keys()
                matching.refuse_staged(self.target, branch, others)
            found += [branch] if staged else []
        return found

    def _make(self, step: Step) -> None:
        before = self.found[step.parent].id
        self._begin(step.branch, before)
        strategy = self._strategy(step) if step.is_merge else None
        if strategy is None:
            made = self._commit(step)
        else:
            source = self.found[step.commit.parents[1]].id
            made = self.target.merge_as(source, step.branch, step.commit, strategy)
        if step.is_merge and strategy is None:
            self.tally.flattened.append(step.commit.id)
        self._check(step, made, before)
        self._heads[step.branch] = made.id
        self.found[step.commit.id] = made

    def _begin(self, branch: str, commit: str) -> None:
        """Let a branch point to the commit on which the next is made."""
        if self._heads.get(branch) == commit:
            return
        if branch == self.plan.default_branch:
            raise ConflictError(
                f"{branch} of {self.target.repository} in the lake at {self.target.endpoint} is at "
                f"{self._heads.get(branch, 'no commit')[:SHORT]}, which this project has left "
                "meanwhile: move to an empty repository"
            )
        if branch in self._heads:
            self.target.delete_branch(branch)
        self.target.make_branch(branch, commit, hidden=True)

    def _commit(self, step: Step) -> Commit:
        changes = self.source.changes(step.parent, step.commit.id)
        removed = [path for path, state in changes.items() if state is None]
        if removed:
            self.target.delete(step.branch, removed)
        added = {path: state for path, state in changes.items() if state is not None}
        with ThreadPoolExecutor(WORKERS) as workers:
            sending = [
                workers.submit(self._send, step, path, state) for path, state in added.items()
            ]
            try:
                for one in sending:
                    self._count(one.result())
            except BaseException:
                workers.shutdown(cancel_futures=True)
                raise
        made = self.target.commit_as(step.branch, step.commit)
        self._remember(made, added)
        return made

    def _send(self, step: Step, path: str, state: ObjectState) -> int | None:
        """Stage an object; return the bytes that were sent, or None where the target copied it."""
        origin = self._origins.get(state)
        if origin is not None:
            self.target.copy(step.branch, path, origin, state)
            return None
        chunks = self.source.chunks(step.commit.id, path, state)
        self.target.upload(step.branch, path, chunks, state)
        return state.size

    def _count(self, sent: int | None) -> None:
        if sent is None:
            self.tally.copied += 1
        else:
            self.tally.sent += 1
            self.tally.sent_bytes += sent

    def _remember(self, made: Commit, added: Mapping[str, ObjectState]) -> None:
        for path, state in added.items():
            if state.size and len(self._origins) < REMEMBERED:
                self._origins.setdefault(state, (made.id, path))

    def _strategy(self, step: Step) -> str | None:
        """The strategy by which a merge gets its tree; None where none does."""
        before, merged = (self.found[parent].id for parent in step.commit.parents)
        wanted = {
            path: None if state is None else state.checksum
            for path, state in self.source.changes(step.parent, step.commit.id).items()
        }
        both_changed: dict[str, str | None] = {}
        for change in self.target.diff(before, merged, checksums=True):
            if change.kind == "conflict":
                both_changed[change.path] = change.checksum
            elif wanted.pop(change.path, "") != change.checksum:
                return None
        won = {path for path in both_changed if path in wanted}
        if wanted.keys() - won:
            return None
        said = step.commit.metadata.get(STRATEGY, DEFAULT)
        if not both_changed:
            return "" if said == DEFAULT else said
        if len(won) == len(both_changed):
            return "source-wins"
        return None if won else "dest-wins"

    def _check(self, step: Step, made: Commit, before: str) -> None:
        """Check parents and tree of a commit that was made.

        Raises:
            ConflictError: somebody else committed to the branch meanwhile.
            CorruptError: its tree is another.
        """
        if made.parents[0] != before:
            raise ConflictError(
                f"somebody else committed to {step.branch} of {self.target.repository} meanwhile: "
                "one move at a time"
            )
        if not matching.same(step, made, before, self.source, self.target):
            raise CorruptError(
                f"the commit {step.commit.id[:SHORT]} comes out with another tree in the lake at "
                f"{self.target.endpoint}, as {made.id[:SHORT]}; nothing after it was made"
            )
