"""Branches and tags: names for commits, of which no two in a repository are equal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from lake.errors import ConflictError, ForbiddenError, NotFoundError
from lake.server.catalog import repositories
from lake.server.catalog.database import Database
from lake.server.catalog.pagination import Page
from lake.server.catalog.pagination import page as first_page
from lake.server.catalog.validation import check_branch, check_tag

_NOUNS: Final = {"branches": "branch", "tags": "tag"}
"""Tables of refs, and what one of their rows is called in a message."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or a tag and the commit it points to."""

    name: str
    commit: str


class Refs:
    """The branches and tags of one lake."""

    def __init__(self, database: Database) -> None:
        """Work on a database."""
        self._database = database

    def page(
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
        repositories.read(self._database, repository)
        rows = self._database.connection.execute(
            f"SELECT name, commit_id FROM {_checked(table)} "  # noqa: S608  one of two names
            "WHERE repository = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name",
            (repository, after, len(prefix), prefix),
        )
        shown = (Ref(*row) for row in rows if row[0] not in hidden)
        return first_page(shown, amount, lambda item: item.name)

    def hide(self, repository: str, name: str) -> None:
        """Leave a branch out of lists; to be called inside a change."""
        self._database.connection.execute(
            "INSERT INTO hidden_branches VALUES (?, ?)", (repository, name)
        )

    def hidden(self, repository: str) -> set[str]:
        """Names of the branches that lists leave out."""
        rows = self._database.connection.execute(
            "SELECT name FROM hidden_branches WHERE repository = ?", (repository,)
        )
        return {name for (name,) in rows}

    def get(self, table: str, repository: str, name: str) -> Ref:
        """Look a branch or tag up.

        Raises:
            NotFoundError: there is no branch or tag of this name.
        """
        row = self._database.connection.execute(
            f"SELECT name, commit_id FROM {_checked(table)} "  # noqa: S608  one of two names
            "WHERE repository = ? AND name = ?",
            (repository, name),
        ).fetchone()
        if row is None:
            repositories.read(self._database, repository)
            raise NotFoundError(f"{_NOUNS[table]} {name!r} not found")
        return Ref(*row)

    def create(self, table: str, repository: str, name: str, commit: str) -> Ref:
        """Make a branch or tag that points to a commit.

        Raises:
            InvalidError: the name is not valid.
            ConflictError: a branch, a tag or a commit has the name.
        """
        check_branch(name) if table == "branches" else check_tag(name)
        with self._database.change() as db:
            repositories.read(self._database, repository)
            self._check_free(table, repository, name)
            db.execute(
                f"INSERT INTO {_checked(table)} VALUES (?, ?, ?)",  # noqa: S608  one of two names
                (repository, name, commit),
            )
        return Ref(name, commit)

    def delete(self, table: str, repository: str, name: str) -> None:
        """Remove a branch with its staged changes, or a tag.

        Raises:
            ForbiddenError: it is the default branch.
        """
        with self._database.change() as db:
            self.get(table, repository, name)
            if (
                table == "branches"
                and name == repositories.read(self._database, repository).default_branch
            ):
                raise ForbiddenError(f"the default branch {name!r} cannot be deleted")
            db.execute(
                f"DELETE FROM {_checked(table)} "  # noqa: S608  one of two names
                "WHERE repository = ? AND name = ?",
                (repository, name),
            )

    def move_branch(self, repository: str, name: str, commit: str) -> None:
        """Point a branch to another commit; to be called inside a change."""
        self._database.connection.execute(
            "UPDATE branches SET commit_id = ? WHERE repository = ? AND name = ?",
            (commit, repository, name),
        )

    def _check_free(self, table: str, repository: str, name: str) -> None:
        """Refuse a name under which another ref, or a commit, could not be found any more.

        Raises:
            ConflictError: the name is taken.
        """
        taken = self._database.connection.execute(
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


def _checked(table: str) -> str:
    """The name of a table of refs, which may become part of a statement.

    Raises:
        KeyError: it is another table.
    """
    _NOUNS[table]
    return table
