"""Repositories as the catalog holds them: what one is, and how it is looked up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lake.errors import NotFoundError
from lake.server.catalog.database import Database


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository: name, creation in unix seconds, storage namespace, default branch."""

    id: str
    created: int
    namespace: str
    default_branch: str
    read_only: bool
    metadata: Mapping[str, str]


def read(database: Database, name: str) -> Repository:
    """Look a repository up.

    Raises:
        NotFoundError: there is no repository of this name.
    """
    row = database.connection.execute("SELECT * FROM repositories WHERE id = ?", (name,)).fetchone()
    if row is None:
        raise NotFoundError(f"repository {name!r} not found")
    return from_row(row)


def from_row(row: tuple[str, int, str, str, int, str]) -> Repository:
    """A row of the table of repositories."""
    name, created, namespace, default, read_only, metadata = row
    return Repository(name, created, namespace, default, bool(read_only), json.loads(metadata))
