"""Repositories and staged changes, with branches, tags and slots: the state that requests change.

Each public call is one transaction. Nothing here knows HTTP. Commits, merges and diffs are in
`versions.py`, which works on the same catalog.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lake.errors import ConflictError, ForbiddenError, InvalidError
from lake.server.catalog import repositories
from lake.server.catalog.common_prefixes import beyond
from lake.server.catalog.database import Database
from lake.server.catalog.entries import Entry, Packed, read_text, read_texts
from lake.server.catalog.multipart import MultipartUploads
from lake.server.catalog.pagination import Page, page
from lake.server.catalog.refs import Refs
from lake.server.catalog.repositories import Repository
from lake.server.catalog.slots import Slots
from lake.server.catalog.trees import Tree
from lake.server.catalog.validation import check_branch, check_key, check_repository

COMMIT_ID_LENGTH: Final = 64
_BATCH: Final = 1000
"""Staged entries that are read at once."""


@dataclass(frozen=True, slots=True)
class BranchPath:
    """A path of a branch: the tree of its head, and what is staged; None where it is removed."""

    root: str
    is_staged: bool
    staged: Entry | None


class Catalog:
    """The state of one lake."""

    def __init__(self, database: Database) -> None:
        """Work on a database."""
        self.database = database
        self.refs = Refs(database)
        self.slots = Slots(database, self.refs)
        self.multipart = MultipartUploads(database, self.refs)

    # Repositories

    def repositories(
        self,
        prefix: str,
        after: str,
        amount: int,
        search: str = "",
        *,
        may_see: Callable[[str], bool] = lambda _: True,
    ) -> Page[Repository]:
        """List repositories by name: those that begin with `prefix` and contain `search`."""
        rows = self.database.connection.execute(
            "SELECT * FROM repositories WHERE id > ? ORDER BY id", (after,)
        )
        named = (
            row
            for row in rows
            if row[0].startswith(prefix) and search in row[0] and may_see(row[0])
        )
        matches = map(repositories.from_row, named)
        return page(matches, amount, lambda item: item.id)

    def repository(self, name: str) -> Repository:
        """Look a repository up.

        Raises:
            NotFoundError: there is no repository of this name.
        """
        return repositories.read(self.database, name)

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
        rows = self._staged(repository, branch, prefix, start, inclusive=inclusive)
        unpack = self.database.unpack
        return ((path, unpack(read_text(text)) if text else None) for path, text in rows)

    def packed_changes(self, repository: str, branch: str) -> dict[str, Packed | None]:
        """All uncommitted changes of a branch by path, in order, with entries packed."""
        rows = self._staged(repository, branch)
        found: dict[str, Packed | None] = {}
        while batch := rows.fetchmany(_BATCH):
            found.update(dict.fromkeys(path for path, _ in batch))
            written = [row for row in batch if row[1]]
            packed = read_texts([text for _, text in written])
            found.update(zip((path for path, _ in written), packed, strict=True))
        return found

    def _staged(
        self,
        repository: str,
        branch: str,
        prefix: str = "",
        start: str = "",
        *,
        inclusive: bool = True,
    ) -> sqlite3.Cursor:
        return self.database.connection.execute(
            "SELECT path, entry FROM staging WHERE repository = ? AND branch = ? "
            "AND path >= ? AND path < ? AND (? OR path <> ?) ORDER BY path",
            (repository, branch, max(prefix, start), beyond(prefix), inclusive, start),
        )

    def branch_path(self, repository: str, name: str, path: str) -> BranchPath | None:
        """A path of a branch in one query; None where the name is not, or not for sure, a branch's.

        A text of 64 characters may be a commit's id, which comes before branches.
        """
        if len(name) == COMMIT_ID_LENGTH:
            return None
        row = self.database.connection.execute(
            "SELECT root, path, entry FROM branches "
            "JOIN commits ON commits.repository = branches.repository AND id = commit_id "
            "LEFT JOIN staging ON staging.repository = branches.repository "
            "AND branch = name AND path = ?3 "
            "WHERE branches.repository = ?1 AND name = ?2",
            (repository, name, path),
        ).fetchone()
        if row is None:
            return None
        root, staged_path, entry = row
        staged = self.database.unpack(read_text(entry)) if entry else None
        return BranchPath(root, staged_path is not None, staged)

    def lookup(self, repository: str, branch: str | None, tree: Tree, path: str) -> Entry | None:
        """The entry of a path: as staged on the branch, else as in the tree."""
        if branch is not None:
            row = self.database.connection.execute(
                "SELECT entry FROM staging WHERE repository = ? AND branch = ? AND path = ?",
                (repository, branch, path),
            ).fetchone()
            if row is not None:
                return self.database.unpack(read_text(row[0])) if row[0] else None
        return tree.get(path)

    def stage(self, repository: str, branch: str, changes: Mapping[str, Entry | None]) -> None:
        """Stage entries, None to remove.

        Raises:
            InvalidError: a path that no object can have.
        """
        with self.database.change() as db:
            self.refs.get("branches", repository, branch)
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

    def check_writable(self, repository: str) -> None:
        """Refuse a change of a repository that only takes forced ones.

        Raises:
            ForbiddenError: it is read-only.
        """
        if self.repository(repository).read_only:
            raise ForbiddenError(f"repository {repository!r} is read-only")
