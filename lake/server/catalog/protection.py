"""Settings of a repository: its metadata, and which branches take changes by merge only."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from lake.errors import ForbiddenError, InvalidError, NotFoundError, PreconditionError
from lake.server.catalog.catalog import Catalog

RULES: Final = "branch_protection"
MAX_PATTERN: Final = 256


class Settings:
    """The settings of the repositories of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Work on a catalog."""
        self._catalog = catalog
        self._database = catalog.database

    # Branch protection

    def rules(self, repository: str) -> list[str]:
        """Patterns of the branches that are protected."""
        self._catalog.repository(repository)
        return self._patterns(repository)

    def set_rules(self, repository: str, patterns: Iterable[str], seen: str | None = None) -> None:
        """Replace all patterns.

        Raises:
            InvalidError: a pattern that is empty, too long, or there twice.
            PreconditionError: `seen` is not the mark of the rules that are there.
        """
        wanted = list(patterns)
        if len(set(wanted)) != len(wanted):
            raise InvalidError("a branch protection pattern is there twice")
        if not all(0 < len(pattern) <= MAX_PATTERN for pattern in wanted):
            raise InvalidError(f"a branch protection pattern has 1 to {MAX_PATTERN} characters")
        with self._database.change() as db:
            present = self.rules(repository)
            if seen is not None and seen.strip('"') != mark(present):
                raise PreconditionError("the branch protection rules have changed meanwhile")
            row = (repository, RULES, json.dumps(wanted))
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", row)

    def add_rule(self, repository: str, pattern: str) -> None:
        """Protect the branches that match a pattern."""
        with self._database.change():
            self.set_rules(repository, [*self.rules(repository), pattern])

    def remove_rule(self, repository: str, pattern: str) -> None:
        """Forget a pattern.

        Raises:
            NotFoundError: there is no such pattern.
        """
        with self._database.change():
            present = self.rules(repository)
            if pattern not in present:
                raise NotFoundError(f"no branch protection rule {pattern!r} in {repository!r}")
            self.set_rules(repository, [each for each in present if each != pattern])

    def check_direct(self, repository: str, branch: str) -> None:
        """Refuse a direct change of a protected branch.

        Raises:
            ForbiddenError: a pattern matches the branch.
        """
        if any(fnmatch.fnmatchcase(branch, each) for each in self._patterns(repository)):
            raise ForbiddenError("cannot write to protected branch")  # clients know this sentence

    def _patterns(self, repository: str) -> list[str]:
        row = self._database.connection.execute(
            "SELECT value FROM settings WHERE repository = ? AND name = ?", (repository, RULES)
        ).fetchone()
        return list(json.loads(row[0])) if row else []

    # Metadata

    def set_metadata(self, repository: str, metadata: Mapping[str, str]) -> None:
        """Add to the metadata of a repository, or change it."""
        with self._database.change():
            present = self._catalog.repository(repository).metadata
            self._keep(repository, {**present, **metadata})

    def delete_metadata(self, repository: str, keys: Iterable[str]) -> None:
        """Remove keys from the metadata of a repository; absent ones are no error."""
        gone = set(keys)
        with self._database.change():
            present = self._catalog.repository(repository).metadata
            self._keep(repository, {key: present[key] for key in present if key not in gone})

    def _keep(self, repository: str, metadata: Mapping[str, str]) -> None:
        self._database.connection.execute(
            "UPDATE repositories SET metadata = ? WHERE id = ?",
            (json.dumps(dict(metadata)), repository),
        )


def mark(patterns: Iterable[str]) -> str:
    """What tells one set of rules from another (an ETag)."""
    return hashlib.sha256(json.dumps(list(patterns)).encode()).hexdigest()[:32]
