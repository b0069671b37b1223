"""Settings of a repository: its metadata, and the branches that accept merges only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from lake.errors import ForbiddenError, InvalidError, NotFoundError, PreconditionError
from lake.server.catalog import globs
from lake.server.catalog.catalog import Catalog

RULES: Final = "branch_protection"
MAX_PATTERN: Final = 256


class RepositorySettings:
    """The settings of the repositories of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Work on a catalog."""
        self._catalog = catalog
        self._database = catalog.database

    # Branch protection

    def patterns(self, repository: str) -> list[str]:
        """Patterns of the branches that are protected."""
        self._catalog.repository(repository)
        return self._read_patterns(repository)

    def set_patterns(
        self, repository: str, patterns: Iterable[str], if_match: str | None = None
    ) -> None:
        """Replace all patterns.

        Raises:
            InvalidError: a pattern is empty, too long, there twice, or no pattern.
            PreconditionError: `if_match` is not the ETag of the present patterns.
        """
        replacement = list(patterns)
        if len(set(replacement)) != len(replacement):
            raise InvalidError("a branch protection pattern is there twice")
        if not all(0 < len(pattern) <= MAX_PATTERN for pattern in replacement):
            raise InvalidError(f"a branch protection pattern has 1 to {MAX_PATTERN} characters")
        for pattern in replacement:
            globs.check(pattern)
        with self._database.change() as db:
            present = self.patterns(repository)
            if if_match is not None and if_match.strip('"') != etag(present):
                raise PreconditionError("the branch protection rules have changed meanwhile")
            row = (repository, RULES, json.dumps(replacement))
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", row)

    def add_pattern(self, repository: str, pattern: str) -> None:
        """Protect the branches that match a pattern."""
        with self._database.change():
            self.set_patterns(repository, [*self.patterns(repository), pattern])

    def remove_pattern(self, repository: str, pattern: str) -> None:
        """Forget a pattern.

        Raises:
            NotFoundError: there is no such pattern.
        """
        with self._database.change():
            present = self.patterns(repository)
            if pattern not in present:
                raise NotFoundError(f"no branch protection rule {pattern!r} in {repository!r}")
            self.set_patterns(repository, [other for other in present if other != pattern])

    def check_direct_change(self, repository: str, branch: str) -> None:
        """Refuse a direct change of a protected branch.

        Raises:
            ForbiddenError: a pattern matches the branch.
        """
        if any(globs.matches(pattern, branch) for pattern in self._read_patterns(repository)):
            raise ForbiddenError("cannot write to protected branch")  # clients know this sentence

    def _read_patterns(self, repository: str) -> list[str]:
        row = self._database.connection.execute(
            "SELECT value FROM settings WHERE repository = ? AND name = ?", (repository, RULES)
        ).fetchone()
        return list(json.loads(row[0])) if row else []

    # Metadata

    def set_metadata(self, repository: str, metadata: Mapping[str, str]) -> None:
        """Add to the metadata of a repository, or change it."""
        with self._database.change():
            present = self._catalog.repository(repository).metadata
            self._write_metadata(repository, {**present, **metadata})

    def delete_metadata(self, repository: str, keys: Iterable[str]) -> None:
        """Remove keys from the metadata of a repository; absent ones are no error."""
        removed = set(keys)
        with self._database.change():
            present = self._catalog.repository(repository).metadata
            rest = {key: present[key] for key in present if key not in removed}
            self._write_metadata(repository, rest)

    def _write_metadata(self, repository: str, metadata: Mapping[str, str]) -> None:
        self._database.connection.execute(
            "UPDATE repositories SET metadata = ? WHERE id = ?",
            (json.dumps(dict(metadata)), repository),
        )


def etag(patterns: Iterable[str]) -> str:
    """The ETag of a list of patterns."""
    return hashlib.sha256(json.dumps(list(patterns)).encode()).hexdigest()[:32]
