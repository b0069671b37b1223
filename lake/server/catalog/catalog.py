"""Repositories, branches, tags and staged changes: the state that requests change.

Each public call is one transaction. Nothing here knows HTTP. Commits, merges and diffs are in
`versions.py`, which works on the same catalog.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lake.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from lake.server.catalog.common_prefixes import beyond
from lake.server.catalog.database import Database
from lake.server.catalog.entries import Entry, unpack
from lake.server.catalog.pagination import Page, page
from lake.server.catalog.trees import Tree
from lake.server.catalog.validation import check_branch, check_key, check_repository, check_tag

OFFER_SECONDS: Final = 86_400
"""Seconds for which an address that was handed out can be linked."""
_NOUNS: Final = {"branches": "branch", "tags": "tag"}
"""Tables of refs, and what one of their rows is called in a message."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository: name, creation in unix seconds, storage namespace, default branch."""

    id: str
    created: int
    namespace: str
    default_branch: str
    read_only: bool
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or a tag and the commit it points to."""

    name: str
    commit: str


class Catalog:
    """The state of one lake."""

    def __init__(self, database: Database) -> None:
        """Work on a database."""
        self.database = database

    # Repositories

    def repositories(
        self, prefix: str, after: str, amount: int, search: str = ""
    ) -> Page[Repository]:
        """List repositories by name: those that begin with `prefix` and contain `search`."""
        rows = self.database.connection.execute(
            "SELECT * FROM repositories WHERE id > ? ORDER BY id", (after,)
        )
        named = (row for row in rows if row[0].startswith(prefix) and search in row[0])
        matches = map(_repository, named)
        return page(matches, amount, lambda item: item.id)

    def repository(self, name: str) -> Repository:
        """Look a repository up.

        Raises:
            NotFoundError: there is no repository of this name.
        """
        row = self.database.connection.execute(
            "SELECT * FROM repositories WHERE id = ?", (name,)
        ).fetchone()
        if row is None:
            raise NotFoundError(f"repository {name!r} not found")
        return _repository(row)

    def create_repository(
        self,
        name: str,
        namespace: str,
        default_branch: str,
        commit: str | None,
        *,
        read_only: bool = False,
    ) -> Repository:
        """Record a repository whose default branch points to its first commit, if it has one.

        Raises:
            InvalidError: a name or the namespace is not valid, or the namespace is in use.
            ConflictError: the name is taken.
        """
        check_repository(name)
        check_branch(default_branch)
        with self.database.change() as db:
            if db.execute("SELECT 1 FROM repositories WHERE id = ?", (name,)).fetchone():
                raise ConflictError(f"repository {name!r} exists already: not unique")
            used = db.execute("SELECT id FROM repositories WHERE namespace = ?", (namespace,))
            if used.fetchone():
                raise InvalidError(f"storage namespace {namespace} is in use")
            db.execute(
                "INSERT INTO repositories VALUES (?, ?, ?, ?, ?, ?)",
                (name, int(time.time()), namespace, default_branch, int(read_only), "{}"),
            )
            if commit is not None:
                db.execute("INSERT INTO branches VALUES (?, ?, ?)", (name, default_branch, commit))
        return self.repository(name)

    def delete_repository(self, name: str) -> None:
        """Remove a repository with all its refs and commits; objects stay for the collector."""
        self.repository(name)
        with self.database.change() as db:
            db.execute("DELETE FROM repositories WHERE id = ?", (name,))

    # Branches and tags

    def refs(
        self,
        table: str,
        repository: str,
        prefix: str,
        after: str,
        amount: int,
        *,
        hidden: Collection[str] = (),
    ) -> Page[Ref]:
        """List branches or tags by name; `table` is `branches` or `tags`, `hidden` is left out."""
        self.repository(repository)
        rows = self.database.connection.execute(
            f"SELECT name, commit_id FROM {_checked(table)} "  # noqa: S608  one of two names
            "WHERE repository = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name",
            (repository, after, len(prefix), prefix),
        )
        shown = (Ref(*row) for row in rows if row[0] not in hidden)
        return page(shown, amount, lambda item: item.name)

    def hide_branch(self, repository: str, name: str) -> None:
        """Leave a branch out of lists; to be called inside a change."""
        self.database.connection.execute(
            "INSERT INTO hidden_branches VALUES (?, ?)", (repository, name)
        )

    def hidden_branches(self, repository: str) -> set[str]:
        """Names of the branches that lists leave out."""
        rows = self.database.connection.execute(
            "SELECT name FROM hidden_branches WHERE repository = ?", (repository,)
        )
        return {name for (name,) in rows}

    def ref(self, table: str, repository: str, name: str) -> Ref:
        """Look a branch or tag up.

        Raises:
            NotFoundError: there is no branch or tag of this name.
        """
        row = self.database.connection.execute(
            f"SELECT name, commit_id FROM {_checked(table)} "  # noqa: S608  one of two names
            "WHERE repository = ? AND name = ?",
            (repository, name),
        ).fetchone()
        if row is None:
            self.repository(repository)
            raise NotFoundError(f"{_NOUNS[table]} {name!r} not found")
        return Ref(*row)

    def create_ref(self, table: str, repository: str, name: str, commit: str) -> Ref:
        """Make a branch or tag that points to a commit.

        Raises:
            InvalidError: the name is not valid.
            ConflictError: a branch, a tag or a commit has the name.
        """
        check_branch(name) if table == "branches" else check_tag(name)
        with self.database.change() as db:
            self.repository(repository)
            self._check_free(table, repository, name)
            db.execute(
                f"INSERT INTO {_checked(table)} VALUES (?, ?, ?)",  # noqa: S608  one of two names
                (repository, name, commit),
            )
        return Ref(name, commit)

    def delete_ref(self, table: str, repository: str, name: str) -> None:
        """Remove a branch with its staged changes, or a tag.

        Raises:
            ForbiddenError: it is the default branch.
        """
        with self.database.change() as db:
            self.ref(table, repository, name)
            if table == "branches" and name == self.repository(repository).default_branch:
                raise ForbiddenError(f"the default branch {name!r} cannot be deleted")
            db.execute(
                f"DELETE FROM {_checked(table)} "  # noqa: S608  one of two names
                "WHERE repository = ? AND name = ?",
                (repository, name),
            )

    def move_branch(self, repository: str, name: str, commit: str) -> None:
        """Point a branch to another commit; to be called inside a change."""
        self.database.connection.execute(
            "UPDATE branches SET commit_id = ? WHERE repository = ? AND name = ?",
            (commit, repository, name),
        )

    # Uncommitted changes

    def changes(
        self,
        repository: str,
        branch: str,
        prefix: str = "",
        start: str = "",
        *,
        inclusive: bool = True,
    ) -> Iterator[tuple[str, Entry | None]]:
        """Uncommitted changes of a branch by path, from `start` on; None where one was removed."""
        rows = self.database.connection.execute(
            "SELECT path, entry FROM staging WHERE repository = ? AND branch = ? "
            "AND path >= ? AND path < ? AND (? OR path <> ?) ORDER BY path",
            (repository, branch, max(prefix, start), beyond(prefix), inclusive, start),
        )
        return ((path, unpack(json.loads(entry)) if entry else None) for path, entry in rows)

    def lookup(self, repository: str, branch: str | None, tree: Tree, path: str) -> Entry | None:
        """The entry of a path: as staged on the branch, else as in the tree."""
        if branch is not None:
            row = self.database.connection.execute(
                "SELECT entry FROM staging WHERE repository = ? AND branch = ? AND path = ?",
                (repository, branch, path),
            ).fetchone()
            if row is not None:
                return unpack(json.loads(row[0])) if row[0] else None
        return tree.get(path)

    def stage(self, repository: str, branch: str, changes: Mapping[str, Entry | None]) -> None:
        """Stage entries, None to remove.

        Raises:
            InvalidError: a path that no object can have.
        """
        with self.database.change() as db:
            self.ref("branches", repository, branch)
            for path, entry in changes.items():
                check_key(path)
                packed = json.dumps(entry.pack()) if entry else None
                db.execute(
                    "INSERT OR REPLACE INTO staging VALUES (?, ?, ?, ?)",
                    (repository, branch, path, packed),
                )

    def unstage(self, repository: str, branch: str, prefix: str = "") -> None:
        """Forget uncommitted changes under a prefix."""
        with self.database.change() as db:
            db.execute(
                "DELETE FROM staging WHERE repository = ? AND branch = ? "
                "AND path >= ? AND path < ?",
                (repository, branch, prefix, beyond(prefix)),
            )

    def unstage_object(self, repository: str, branch: str, path: str) -> None:
        """Forget the uncommitted change of one path."""
        with self.database.change() as db:
            db.execute(
                "DELETE FROM staging WHERE repository = ? AND branch = ? AND path = ?",
                (repository, branch, path),
            )

    # Addresses that clients write to

    def offer(self, address: str, repository: str, branch: str, path: str) -> None:
        """Remember an address that was handed out for a path."""
        check_key(path)
        with self.database.change() as db:
            self.ref("branches", repository, branch)
            row = (address, repository, branch, path, int(time.time()))
            db.execute("INSERT INTO slots VALUES (?, ?, ?, ?, ?)", row)

    def is_offered(self, address: str, repository: str, branch: str, path: str) -> bool:
        """Whether an address was handed out for this path, not too long ago, and is not used."""
        row = self.database.connection.execute(
            "SELECT 1 FROM slots WHERE address = ? AND repository = ? AND branch = ? AND path = ? "
            "AND created > ?",
            (address, repository, branch, path, int(time.time()) - OFFER_SECONDS),
        ).fetchone()
        return row is not None

    def check_address(self, address: str) -> None:
        """Refuse an address that nothing can be linked from any more.

        Raises:
            NotFoundError: it was linked, or its repository is gone.
        """
        found = self.database.connection.execute(
            "SELECT 1 FROM slots WHERE address = ?", (address,)
        )
        if found.fetchone() is None:
            raise NotFoundError(f"{address} is not waiting for bytes: it was linked already")

    def use_address(self, address: str) -> None:
        """Use up an address, which can be linked once; to be called inside a change."""
        self.database.connection.execute("DELETE FROM slots WHERE address = ?", (address,))

    def check_writable(self, repository: str) -> None:
        """Refuse a change of a repository that only takes forced ones.

        Raises:
            ForbiddenError: it is read-only.
        """
        if self.repository(repository).read_only:
            raise ForbiddenError(f"repository {repository!r} is read-only")

    def _check_free(self, table: str, repository: str, name: str) -> None:
        """Refuse a name under which another ref, or a commit, could not be found any more.

        Raises:
            ConflictError: the name is taken.
        """
        taken = self.database.connection.execute(
            "SELECT 'branch' FROM branches WHERE repository = ?1 AND name = ?2 "
            "UNION ALL SELECT 'tag' FROM tags WHERE repository = ?1 AND name = ?2 "
            "UNION ALL SELECT 'commit' FROM commits WHERE repository = ?1 AND id = ?2",
            (repository, name),
        ).fetchone()
        if taken is not None:
            same = "" if taken[0] == _NOUNS[table] else f" as a {taken[0]}"
            raise ConflictError(
                f"{_NOUNS[table]} already exists: not unique ({name!r} is there{same})"
            )


def _repository(row: tuple[str, int, str, str, int, str]) -> Repository:
    name, created, namespace, default, read_only, metadata = row
    return Repository(name, created, namespace, default, bool(read_only), json.loads(metadata))


def _checked(table: str) -> str:
    """The name of a table of refs, which may become part of a statement.

    Raises:
        KeyError: it is another table.
    """
    _NOUNS[table]
    return table
