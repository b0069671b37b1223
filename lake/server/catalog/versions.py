"""Commits and what is computed from them: log, diff, merge, revert, cherry-pick.

A commit names a tree and its parents and never changes. Every call that makes one is a single
transaction: it reads the branch, builds the tree, writes the commit and moves the branch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile, islice, takewhile
from typing import Final

from lake.errors import InvalidError, NotFoundError
from lake.server import failpoints
from lake.server.catalog import commit_graph, commits, merging, ref_expression
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.commits import Commit, Note
from lake.server.catalog.common_prefixes import Walk
from lake.server.catalog.diff import diff
from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.overlay import uncommitted
from lake.server.catalog.pagination import Page, paged
from lake.server.catalog.trees import EMPTY, Tree
from lake.server.failpoints import Point

_HEX: Final = re.compile(r"^[0-9a-f]{6,64}$")


@dataclass(frozen=True, slots=True)
class Place:
    """What a ref expression names: a commit, and the branch whose staged changes count."""

    commit: Commit
    branch: str | None


class Versions:
    """History of the repositories of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Work on a catalog."""
        self.catalog = catalog
        self.database = catalog.database
        self._walks = commit_graph.Walks()

    # Looking up

    def commit(self, repository: str, commit: str) -> Commit:
        """Read a commit by its full id.

        Raises:
            NotFoundError: there is none.
        """
        return commits.read(self.database, repository, commit)

    def tree(self, commit: Commit) -> Tree:
        """The paths of a commit."""
        return Tree(self.database, commit.root)

    def place(self, repository: str, ref: str) -> Place:
        """Resolve a ref expression.

        Raises:
            NotFoundError: it names nothing.
            InvalidError: it is no expression, or `@`/`$` follow something that is no branch.
        """
        self.catalog.repository(repository)
        asked = ref_expression.parse(ref)
        name, branch = self._base(repository, asked.base)
        if asked.mark and branch is None:
            raise InvalidError(f"{ref!r}: {asked.mark} goes with a branch")
        found = self.commit(repository, name)
        for sign, count in asked.steps:
            found = commit_graph.step(self._reader(repository), found, sign, count)
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
            except NotFoundError:
                continue
            return found.commit, found.name if kind == "branches" else None
        if _HEX.match(base):
            like = "SELECT id FROM commits WHERE repository = ? AND id >= ? AND id < ? LIMIT 2"
            rows = db.execute(like, (repository, base, base + "g")).fetchall()
            if len(rows) == 1:
                return rows[0][0], None
        raise NotFoundError(f"ref {base!r} not found in {repository!r}")

    def log(self, repository: str, start: Commit, *, first_parent: bool) -> Iterator[Commit]:
        """Commits reachable from a commit: by generation, then by creation, newest first."""
        return commit_graph.log(self._reader(repository), start, first_parent=first_parent)

    def log_page(
        self, repository: str, start: Commit, after: str, amount: int, *, first_parent: bool
    ) -> Page[Commit]:
        """The log behind a commit of it; a page goes on where the one before it stopped."""
        asked = (repository, start.id, first_parent)
        walk = self._walks.resume((*asked, after))
        if walk is None:
            walk = self.log(repository, start, first_parent=first_parent)
            if after:
                walk = islice(dropwhile(lambda item: item.id != after, walk), 1, None)
        found, rest = paged(walk, amount, lambda item: item.id)
        if found.next is not None:
            self._walks.keep((*asked, found.next), rest)
        return found

    def merge_base(self, repository: str, left: Commit, right: Commit) -> Commit:
        """The best common ancestor: the one of highest generation.

        Raises:
            NotFoundError: the histories have none.
        """
        return commit_graph.merge_base(self._reader(repository), left, right)

    def _reader(self, repository: str) -> commit_graph.Read:
        return partial(self.commit, repository)

    # Diffs

    def diff_refs(
        self, repository: str, left: Commit, right: Commit, *, three_dot: bool, prefix: str
    ) -> Walk[Difference]:
        """What changes from left to right; three-dot: since their merge base, conflicts marked."""
        before, now = self.tree(left), self.tree(right)
        base = self.tree(self.merge_base(repository, left, right)) if three_dot else None

        def walk(start: str, inclusive: bool) -> Iterator[tuple[str, Difference]]:
            if base is None:
                found = diff(before, now, prefix, start, inclusive=inclusive)
            else:
                found = merging.three_dot(base, before, now, prefix, start, inclusive=inclusive)
            return ((item.path, item) for item in found)

        return walk

    def diff_branch(self, repository: str, branch: str, prefix: str) -> Walk[Difference]:
        """What is staged on a branch and differs from its head."""
        tree = self.tree(self.head(repository, branch))

        def walk(start: str, inclusive: bool) -> Iterator[tuple[str, Difference]]:
            staged = self.catalog.changes(repository, branch, prefix, start, inclusive=inclusive)
            return ((item.path, item) for item in uncommitted(staged, tree))

        return walk

    # Making commits

    def create_repository(
        self, name: str, namespace: str, default_branch: str, committer: str, *, read_only: bool
    ) -> None:
        """Make a repository with its first, empty commit."""
        with self.database.change():
            note = Note("Repository created", committer, {})
            first = commits.make(name, EMPTY, (), note)
            self.catalog.create_repository(
                name, namespace, default_branch, first.id, read_only=read_only
            )
            commits.write(self.database, name, first)

    def commit_staged(
        self, repository: str, branch: str, note: Note, *, allow_empty: bool
    ) -> Commit:
        """Commit what is staged on a branch.

        Raises:
            InvalidError: nothing is staged and `allow_empty` is not set.
        """
        with self.database.change():
            head = self.head(repository, branch)
            staged = dict(self.catalog.changes(repository, branch))
            tree = self.tree(head)
            if not allow_empty and not any(uncommitted(staged.items(), tree)):
                raise InvalidError("commit: no changes")
            made = commits.make(repository, tree.updated(staged).root, (head,), note)
            self._advance(repository, branch, made)
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
            InvalidError: unknown strategy, uncommitted changes, or nothing to merge.
            ConflictError: both sides changed a path, and no strategy says who wins.
        """
        if strategy not in merging.STRATEGIES:
            raise InvalidError(f"merge strategy {strategy!r} is none of source-wins, dest-wins")
        with self.database.change():
            source = self.commit(repository, source.id)  # unless the collector has taken it
            head = self.clean_head(repository, branch)
            base = self.merge_base(repository, source, head)
            if base.root == source.root and not allow_empty:
                raise InvalidError("merge: no changes")
            root = merging.three_way(
                self.tree(base), self.tree(source), self.tree(head), strategy
            ).root
            parents = (head,) if squash else (head, source)
            made = commits.make(repository, root, parents, note)
            self._advance(repository, branch, made)
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
            ConflictError: the branch changed the same paths otherwise.
            InvalidError: uncommitted changes, or nothing to change.
        """
        with self.database.change():
            for named in (before, after):
                if named is not None:
                    self.commit(repository, named.id)  # unless the collector has taken it
            head = self.clean_head(repository, branch)
            root = merging.three_way(
                self._tree(before), self._tree(after), self.tree(head), ""
            ).root
            if root == head.root and not allow_empty:
                raise InvalidError("no changes")
            made = commits.make(repository, root, (head,), note)
            self._advance(repository, branch, made)
        return made

    def commit_over(
        self,
        repository: str,
        branch: str,
        prefixes: Iterable[str],
        entries: Mapping[str, Entry],
        note: Note,
        *,
        allow_empty: bool,
    ) -> Commit:
        """Commit entries that replace all there is under the prefixes: imports.

        Raises:
            InvalidError: uncommitted changes, or nothing to change.
        """
        with self.database.change():
            head = self.clean_head(repository, branch)
            tree = self.tree(head)
            changes: dict[str, Entry | None] = {}
            for prefix in prefixes:
                found = takewhile(partial(_under, prefix), tree.items(prefix, inclusive=True))
                changes.update((path, None) for path, _ in found)
            root = tree.updated({**changes, **entries}).root
            if root == head.root and not allow_empty:
                raise InvalidError("import: no changes")
            made = commits.make(repository, root, (head,), note)
            self._advance(repository, branch, made)
        return made

    def _tree(self, commit: Commit | None) -> Tree:
        return self.tree(commit) if commit else Tree(self.database, EMPTY)

    def head(self, repository: str, branch: str) -> Commit:
        """The commit that a branch points to."""
        return self.commit(repository, self.catalog.ref("branches", repository, branch).commit)

    def clean_head(self, repository: str, branch: str) -> Commit:
        """The head of a branch without uncommitted changes.

        Raises:
            InvalidError: there are some.
        """
        head = self.head(repository, branch)
        if any(uncommitted(self.catalog.changes(repository, branch), self.tree(head))):
            raise InvalidError(f"uncommitted changes on {branch!r} (dirty branch)")
        return head

    def _advance(self, repository: str, branch: str, made: Commit) -> None:
        """Put a commit on a branch; what was staged is in it, or made no difference to its parent.

        A staged change without effect must go too: it would undo what a merge brings in.
        """
        commits.write(self.database, repository, made)
        failpoints.reach(Point.COMMIT_WRITTEN)
        self.catalog.unstage(repository, branch)
        failpoints.reach(Point.COMMIT_UNSTAGED)
        self.catalog.move_branch(repository, branch, made.id)
        failpoints.reach(Point.COMMIT_MOVED)


def _under(prefix: str, item: tuple[str, Entry]) -> bool:
    return item[0].startswith(prefix)
