"""Commits and what is computed from them: log, diff, merge, revert, cherry-pick.

A commit names a tree and its parents and never changes. Every call that makes one is a single
transaction: it reads the branch, builds the tree, writes the commit and moves the branch.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lake.errors import Conflict, Invalid, NotFound
from lake.server import refexpr
from lake.server.catalog import Catalog, uncommitted
from lake.server.entries import Difference, Entry
from lake.server.trees import EMPTY, Tree, diff

STRATEGIES: Final = ("", "none", "source-wins", "dest-wins")
_HEX: Final = re.compile(r"^[0-9a-f]{6,64}$")


@dataclass(frozen=True, slots=True)
class Commit:
    """A version of a repository; `created` in nanoseconds, `generation` 1 + that of its parents."""

    id: str
    root: str
    parents: tuple[str, ...]
    message: str
    committer: str
    created: int
    generation: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """What a ref expression names: a commit, and the branch whose staged changes count."""

    commit: Commit
    branch: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """What a new commit says: message, metadata, who, and unix seconds if set by the caller."""

    message: str
    committer: str
    metadata: Mapping[str, str]
    date: int | None = None


class Versions:
    """History of the repositories of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Work on a catalog."""
        self.catalog = catalog
        self.database = catalog.database

    # Looking up

    def commit(self, repository: str, commit: str) -> Commit:
        """Read a commit by its full id.

        Raises:
            NotFound: there is none.
        """
        row = self.database.connection.execute(
            "SELECT id, root, parents, message, committer, created_ns, generation, metadata "
            "FROM commits WHERE repository = ? AND id = ?",
            (repository, commit),
        ).fetchone()
        if row is None:
            raise NotFound(f"commit {commit} not found in {repository!r}")
        return Commit(*row[:2], tuple(json.loads(row[2])), *row[3:7], json.loads(row[7]))

    def tree(self, commit: Commit) -> Tree:
        """The paths of a commit."""
        return Tree(self.database, commit.root)

    def place(self, repository: str, ref: str) -> Place:
        """Resolve a ref expression.

        Raises:
            NotFound: it names nothing.
            Invalid: it is no expression, or `@`/`$` follow something that is no branch.
        """
        self.catalog.repository(repository)
        asked = refexpr.parse(ref)
        name, branch = self._base(repository, asked.base)
        if asked.mark and branch is None:
            raise Invalid(f"{ref!r}: {asked.mark} goes with a branch")
        found = self.commit(repository, name)
        for sign, count in asked.steps:
            found = self._step(repository, found, sign, count)
        staged = branch if not asked.steps and asked.mark != "@" else None
        return Place(found, staged)

    def _base(self, repository: str, base: str) -> tuple[str, str | None]:
        db = self.database.connection
        if re.fullmatch(r"[0-9a-f]{64}", base):
            known = "SELECT 1 FROM commits WHERE repository = ? AND id = ?"
            if db.execute(known, (repository, base)).fetchone():
                return base, None
        for kind in ("branches", "tags"):
            try:
                found = self.catalog.ref(kind, repository, base)
            except NotFound:
                continue
            return found.commit, found.name if kind == "branches" else None
        if _HEX.match(base):
            like = "SELECT id FROM commits WHERE repository = ? AND id >= ? AND id < ? LIMIT 2"
            rows = db.execute(like, (repository, base, base + "g")).fetchall()
            if len(rows) == 1:
                return rows[0][0], None
        raise NotFound(f"ref {base!r} not found in {repository!r}")

    def _step(self, repository: str, commit: Commit, sign: str, count: int) -> Commit:
        for _ in range(count if sign == "~" else min(count, 1)):
            number = 1 if sign == "~" else count
            if len(commit.parents) < number:
                raise NotFound(f"commit {commit.id} has no parent {number}")
            commit = self.commit(repository, commit.parents[number - 1])
        return commit

    def log(self, repository: str, start: Commit, *, first_parent: bool) -> Iterator[Commit]:
        """Commits reachable from a commit: by generation, then by creation, newest first."""
        waiting = [(-start.generation, -start.created, start.id, start)]
        seen = {start.id}
        while waiting:
            commit = heapq.heappop(waiting)[3]
            yield commit
            for parent in commit.parents[: 1 if first_parent else None]:
                if parent not in seen:
                    seen.add(parent)
                    found = self.commit(repository, parent)
                    entry = (-found.generation, -found.created, found.id, found)
                    heapq.heappush(waiting, entry)

    def merge_base(self, repository: str, left: Commit, right: Commit) -> Commit:
        """The best common ancestor: the one of highest generation.

        Raises:
            NotFound: the histories have none.
        """
        reached = {left.id: 1}
        reached[right.id] = reached.get(right.id, 0) | 2
        waiting = [(-item.generation, -item.created, item.id, item) for item in (left, right)]
        heapq.heapify(waiting)
        while waiting:
            commit = heapq.heappop(waiting)[3]
            if reached[commit.id] == 3:  # noqa: PLR2004  both sides
                return commit
            for parent in commit.parents:
                sides = reached.get(parent, 0)
                if sides | reached[commit.id] != sides:
                    reached[parent] = sides | reached[commit.id]
                    found = self.commit(repository, parent)
                    entry = (-found.generation, -found.created, found.id, found)
                    heapq.heappush(waiting, entry)
        raise NotFound("the two refs have no common ancestor")

    # Diffs

    def diff_refs(
        self, repository: str, left: Commit, right: Commit, *, three_dot: bool, prefix: str
    ) -> Iterator[Difference]:
        """What changes from left to right; three-dot: since their merge base, conflicts marked."""
        if not three_dot:
            yield from diff(self.tree(left), self.tree(right), prefix)
            return
        base = self.tree(self.merge_base(repository, left, right))
        ours = {found.path: found for found in diff(base, self.tree(left), prefix)}
        for found in diff(base, self.tree(right), prefix):
            other = ours.get(found.path)
            clash = other is not None and not _agree(other.right, found.right)
            if other is None or clash:
                yield Difference(found.path, found.left, found.right, conflict=clash)

    def diff_branch(self, repository: str, branch: str, prefix: str) -> Iterator[Difference]:
        """What is staged on a branch and differs from its head."""
        head = self.commit(repository, self.catalog.ref("branches", repository, branch).commit)
        return uncommitted(self.catalog.staged(repository, branch, prefix), self.tree(head))

    # Making commits

    def create_repository(
        self, name: str, namespace: str, default_branch: str, committer: str, *, read_only: bool
    ) -> None:
        """Make a repository with its first, empty commit."""
        with self.database.change():
            note = Note("Repository created", committer, {})
            first = self._new(name, EMPTY, (), note)
            self.catalog.create_repository(
                name, namespace, default_branch, first.id, read_only=read_only
            )
            self._write(name, first)

    def commit_staged(
        self, repository: str, branch: str, note: Note, *, allow_empty: bool
    ) -> Commit:
        """Commit what is staged on a branch.

        Raises:
            Invalid: nothing is staged and `allow_empty` is not set.
        """
        with self.database.change():
            head = self.head(repository, branch)
            staged = self.catalog.staged(repository, branch)
            tree = self.tree(head)
            if not allow_empty and not any(uncommitted(staged, tree)):
                raise Invalid("commit: no changes")
            made = self._new(repository, tree.updated(staged).root, (head,), note)
            self._write(repository, made)
            self.catalog.unstage(repository, branch)
            self.catalog.move_branch(repository, branch, made.id)
        return made

    def merge(
        self,
        repository: str,
        source: Commit,
        branch: str,
        note: Note,
        *,
        strategy: str,
        squash: bool,
        allow_empty: bool,
    ) -> Commit:
        """Merge a commit into a branch, three-way by path.

        Raises:
            Invalid: unknown strategy, uncommitted changes, or nothing to merge.
            Conflict: both sides changed a path, and no strategy says who wins.
        """
        if strategy not in STRATEGIES:
            raise Invalid(f"merge strategy {strategy!r} is none of source-wins, dest-wins")
        with self.database.change():
            head = self.clean_head(repository, branch)
            base = self.merge_base(repository, source, head)
            if base.root == source.root and not allow_empty:
                raise Invalid("merge: no changes")
            root = self._three_way(base, source, head, strategy)
            parents = (head,) if squash else (head, source)
            made = self._new(repository, root, parents, note)
            self._write(repository, made)
            self.catalog.move_branch(repository, branch, made.id)
        return made

    def apply(
        self,
        repository: str,
        branch: str,
        before: Commit | None,
        after: Commit | None,
        note: Note,
        *,
        allow_empty: bool = False,
    ) -> Commit:
        """Repeat on a branch what changed from `before` to `after`: reverts and cherry-picks.

        Raises:
            Conflict: the branch changed the same paths otherwise.
            Invalid: uncommitted changes, or nothing to change.
        """
        with self.database.change():
            head = self.clean_head(repository, branch)
            root = self._three_way(before, after, head, "")
            if root == head.root and not allow_empty:
                raise Invalid("no changes")
            made = self._new(repository, root, (head,), note)
            self._write(repository, made)
            self.catalog.move_branch(repository, branch, made.id)
        return made

    def head(self, repository: str, branch: str) -> Commit:
        """The commit that a branch points to."""
        return self.commit(repository, self.catalog.ref("branches", repository, branch).commit)

    def clean_head(self, repository: str, branch: str) -> Commit:
        """The head of a branch without uncommitted changes.

        Raises:
            Invalid: there are some.
        """
        head = self.head(repository, branch)
        if any(uncommitted(self.catalog.staged(repository, branch), self.tree(head))):
            raise Invalid(f"uncommitted changes on {branch!r} (dirty branch)")
        return head

    def _three_way(
        self, base: Commit | None, source: Commit | None, head: Commit, strategy: str
    ) -> str:
        ancestor = self.tree(base) if base else Tree(self.database, EMPTY)
        wanted = self.tree(source) if source else Tree(self.database, EMPTY)
        ours = self.tree(head)
        changed = {found.path: found for found in diff(ancestor, ours)}
        take: dict[str, Entry | None] = {}
        for found in diff(ancestor, wanted):
            other = changed.get(found.path)
            if other is None:
                take[found.path] = found.right
            elif not _agree(other.right, found.right):
                if strategy in ("", "none"):
                    raise Conflict(f"conflict found: {found.path}")
                if strategy == "source-wins":
                    take[found.path] = found.right
        return ours.updated(take).root

    def _new(self, repository: str, root: str, parents: tuple[Commit, ...], note: Note) -> Commit:
        created = note.date * 10**9 if note.date is not None else time.time_ns()
        ids = tuple(parent.id for parent in parents)
        content = [repository, root, ids, note.message, note.committer, created, note.metadata]
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return Commit(
            id=hashlib.sha256(canonical.encode()).hexdigest(),
            root=root,
            parents=ids,
            message=note.message,
            committer=note.committer,
            created=created,
            generation=1 + max((parent.generation for parent in parents), default=0),
            metadata=dict(note.metadata),
        )

    def _write(self, repository: str, commit: Commit) -> None:
        self.database.connection.execute(
            "INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                repository,
                commit.id,
                commit.root,
                json.dumps(commit.parents),
                commit.message,
                commit.committer,
                commit.created,
                commit.generation,
                json.dumps(dict(commit.metadata)),
            ),
        )


def _agree(left: Entry | None, right: Entry | None) -> bool:
    """Tell whether both sides ended with the same object, or both without one."""
    return left is right or (left is not None and left.same(right))
