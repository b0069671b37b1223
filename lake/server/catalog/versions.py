"""History of repositories: log, diff, commit, merge, revert, cherry-pick.

A commit names a tree and its parents and never changes. Every call that makes one is a single
transaction: it reads the branch, builds the tree, writes the commit and moves the branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import dropwhile, islice, takewhile

from lake.errors import InvalidError
from lake.server import failpoints
from lake.server.catalog import commit_graph, commits, merging, ref_resolution
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.commits import Commit, CommitMessage
from lake.server.catalog.common_prefixes import Walk
from lake.server.catalog.diff import diff
from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.overlay import uncommitted
from lake.server.catalog.pagination import Page, paged
from lake.server.catalog.ref_resolution import ResolvedRef
from lake.server.catalog.trees import EMPTY, Tree
from lake.server.failpoints import Failpoint


class Versions:
    """History of the repositories of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Work on a catalog."""
        self.catalog = catalog
        self.database = catalog.database
        self._paused = commit_graph.PausedLogs()

    # Looking up

    def commit(self, repository: str, commit: str) -> Commit:
        """Read a commit by its full id.

        Raises:
            NotFoundError: there is no such commit.
        """
        return commits.read(self.database, repository, commit)

    def tree(self, commit: Commit) -> Tree:
        """The paths of a commit."""
        return Tree(self.database, commit.root)

    def resolve(self, repository: str, ref: str) -> ResolvedRef:
        """Resolve a ref expression.

        Raises:
            NotFoundError: it names nothing.
            InvalidError: it is no expression, or `@`/`$` follow something that is no branch.
        """
        return ref_resolution.resolve(self.catalog, repository, ref)

    def log(self, repository: str, start: Commit, *, first_parent: bool) -> Iterator[Commit]:
        """Commits reachable from a commit: by generation, then by creation, newest first."""
        return commit_graph.log(self._reader(repository), start, first_parent=first_parent)

    def log_page(
        self, repository: str, start: Commit, after: str, amount: int, *, first_parent: bool
    ) -> Page[Commit]:
        """A page of the log behind the commit `after`; it continues where the last page stopped."""
        key = (repository, start.id, first_parent)
        log = self._paused.resume((*key, after))
        if log is None:
            log = self.log(repository, start, first_parent=first_parent)
            if after:
                log = islice(dropwhile(lambda item: item.id != after, log), 1, None)
        page, rest = paged(log, amount, lambda item: item.id)
        if page.next is not None:
            self._paused.pause((*key, page.next), rest)
        return page

    def merge_base(self, repository: str, left: Commit, right: Commit) -> Commit:
        """The best common ancestor: the one of highest generation.

        Raises:
            NotFoundError: the histories have no common ancestor.
        """
        return commit_graph.merge_base(self._reader(repository), left, right)

    def _reader(self, repository: str) -> commit_graph.Read:
        return partial(self.commit, repository)

    # Diffs

    def diff_refs(
        self, repository: str, left: Commit, right: Commit, *, three_dot: bool, prefix: str
    ) -> Walk[Difference]:
        """What changes from left to right; three-dot: since their merge base, conflicts marked."""
        before, after = self.tree(left), self.tree(right)
        base = self.tree(self.merge_base(repository, left, right)) if three_dot else None

        def walk(start: str, inclusive: bool) -> Iterator[tuple[str, Difference]]:
            if base is None:
                changes = diff(before, after, prefix, start, inclusive=inclusive)
            else:
                changes = merging.three_dot(base, before, after, prefix, start, inclusive=inclusive)
            return ((item.path, item) for item in changes)

        return walk

    def diff_branch(self, repository: str, branch: str, prefix: str) -> Walk[Difference]:
        """Staged changes of a branch that differ from its head."""
        tree = self.tree(self.head(repository, branch))

        def walk(start: str, inclusive: bool) -> Iterator[tuple[str, Difference]]:
            staged = self.catalog.changes(repository, branch, prefix, start, inclusive=inclusive)
            return ((item.path, item) for item in uncommitted(staged, tree))

        return walk

    # Making commits

    def create_repository(
        self,
        name: str,
        namespace: str,
        default_branch: str,
        committer: str,
        *,
        read_only: bool,
        bare: bool = False,
    ) -> None:
        """Make a repository with its first, empty commit; a bare one without any."""
        with self.database.change():
            if bare:
                self.catalog.create_repository(
                    name, namespace, default_branch, None, read_only=read_only
                )
                return
            message = CommitMessage("Repository created", committer, {})
            first = commits.make(name, EMPTY, (), message)
            self.catalog.create_repository(
                name, namespace, default_branch, first.id, read_only=read_only
            )
            commits.write(self.database, name, first)

    def commit_staged(
        self,
        repository: str,
        branch: str,
        message: CommitMessage,
        *,
        allow_empty: bool,
        source: str = "",
    ) -> Commit:
        """Commit the staged changes of a branch, or the tree of another commit (`source`).

        Raises:
            InvalidError: nothing is staged and `allow_empty` is not set, or something is staged
                beside a tree.
            NotFoundError: no commit of the repository has such a tree.
        """
        with self.database.change():
            if source:
                head = self.clean_head(repository, branch)
                commits.check_root(self.database, repository, source)
                return self._commit(repository, branch, source, (head,), message)
            head = self.head(repository, branch)
            staged = self.catalog.packed_changes(repository, branch)
            tree = self.tree(head)
            unpack = self.database.unpack
            entries = ((path, unpack(item) if item else None) for path, item in staged.items())
            if not allow_empty and not any(uncommitted(entries, tree)):
                raise InvalidError("commit: no changes")
            root = tree.updated_packed(staged).root
            return self._commit(repository, branch, root, (head,), message)

    def merge(
        self,
        repository: str,
        source: Commit,
        branch: str,
        message: CommitMessage,
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
            raise InvalidError(f"merge strategy {strategy!r} is neither source-wins nor dest-wins")
        with self.database.change():
            source = self.commit(repository, source.id)  # unless the collector has removed it
            head = self.clean_head(repository, branch)
            base = self.merge_base(repository, source, head)
            if base.root == source.root and not allow_empty:
                raise InvalidError("merge: no changes")
            root = merging.three_way(
                self.tree(base), self.tree(source), self.tree(head), strategy
            ).root
            parents = (head,) if squash else (head, source)
            return self._commit(repository, branch, root, parents, message)

    def apply(
        self,
        repository: str,
        branch: str,
        before: Commit | None,
        after: Commit | None,
        message: CommitMessage,
        *,
        allow_empty: bool = False,
    ) -> Commit:
        """Repeat on a branch what changed from `before` to `after`: reverts and cherry-picks.

        Raises:
            ConflictError: the branch changed the same paths otherwise.
            InvalidError: uncommitted changes, or nothing to change.
        """
        with self.database.change():
            for commit in (before, after):
                if commit is not None:
                    self.commit(repository, commit.id)  # unless the collector has removed it
            head = self.clean_head(repository, branch)
            root = merging.three_way(
                self._tree(before), self._tree(after), self.tree(head), ""
            ).root
            if root == head.root and not allow_empty:
                raise InvalidError("no changes")
            return self._commit(repository, branch, root, (head,), message)

    def commit_over(
        self,
        repository: str,
        branch: str,
        prefixes: Iterable[str],
        entries: Mapping[str, Entry],
        message: CommitMessage,
        *,
        allow_empty: bool,
    ) -> Commit:
        """Commit entries that replace everything under the prefixes, as imports do.

        Raises:
            InvalidError: uncommitted changes, or nothing to change.
        """
        with self.database.change():
            head = self.clean_head(repository, branch)
            tree = self.tree(head)
            changes: dict[str, Entry | None] = {}
            for prefix in prefixes:
                entries_below = takewhile(
                    partial(_is_below, prefix), tree.items(prefix, inclusive=True)
                )
                changes.update((path, None) for path, _ in entries_below)
            root = tree.updated({**changes, **entries}).root
            if root == head.root and not allow_empty:
                raise InvalidError("import: no changes")
            return self._commit(repository, branch, root, (head,), message)

    def _tree(self, commit: Commit | None) -> Tree:
        return self.tree(commit) if commit else Tree(self.database, EMPTY)

    def head(self, repository: str, branch: str) -> Commit:
        """The commit that a branch points to."""
        return self.commit(repository, self.catalog.refs.get("branches", repository, branch).commit)

    def clean_head(self, repository: str, branch: str) -> Commit:
        """The head of a branch without uncommitted changes.

        Raises:
            InvalidError: there are uncommitted changes.
        """
        head = self.head(repository, branch)
        if any(uncommitted(self.catalog.changes(repository, branch), self.tree(head))):
            raise InvalidError(f"uncommitted changes on {branch!r} (dirty branch)")
        return head

    def _commit(
        self,
        repository: str,
        branch: str,
        root: str,
        parents: tuple[Commit, ...],
        message: CommitMessage,
    ) -> Commit:
        """Make a commit and move the branch to it.

        All staged changes are dropped: they are in the commit, or made no difference to its parent.
        One without effect must go too, since it would undo what a merge brings in.
        """
        created = commits.make(repository, root, parents, message)
        commits.write(self.database, repository, created)
        failpoints.hit(Failpoint.COMMIT_WRITTEN)
        self.catalog.unstage(repository, branch)
        failpoints.hit(Failpoint.COMMIT_UNSTAGED)
        self.catalog.refs.move_branch(repository, branch, created.id)
        failpoints.hit(Failpoint.COMMIT_MOVED)
        return created


def _is_below(prefix: str, item: tuple[str, Entry]) -> bool:
    return item[0].startswith(prefix)
