"""Commits: a tree, its parents and a note, named by the hash of them all, and never changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lake.errors import CorruptError, NotFoundError
from lake.server.catalog.database import Database


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
class Note:
    """What a new commit says: message, metadata, who, and unix seconds if set by the caller."""

    message: str
    committer: str
    metadata: Mapping[str, str]
    date: int | None = None


def make(repository: str, root: str, parents: tuple[Commit, ...], note: Note) -> Commit:
    """Put a commit together; nothing is written."""
    draft = Commit(
        id="",
        root=root,
        parents=tuple(parent.id for parent in parents),
        message=note.message,
        committer=note.committer,
        created=note.date * 10**9 if note.date is not None else time.time_ns(),
        generation=1 + max((parent.generation for parent in parents), default=0),
        metadata=dict(note.metadata),
    )
    return replace(draft, id=identity(repository, draft))


def identity(repository: str, commit: Commit) -> str:
    """The id that a commit of this content has."""
    content = [
        repository,
        commit.root,
        commit.parents,
        commit.message,
        commit.committer,
        commit.created,
        commit.metadata,
    ]
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def write(database: Database, repository: str, commit: Commit) -> None:
    """Keep a commit; to be called inside a change."""
    database.connection.execute(
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


def read(database: Database, repository: str, commit: str) -> Commit:
    """Read a commit by its full id.

    Raises:
        NotFoundError: there is none.
        CorruptError: what is there is no commit.
    """
    row = database.connection.execute(
        "SELECT id, root, parents, message, committer, created_ns, generation, metadata "
        "FROM commits WHERE repository = ? AND id = ?",
        (repository, commit),
    ).fetchone()
    if row is None:
        raise NotFoundError(f"commit {commit} not found in {repository!r}")
    try:
        return _commit(row)
    except (ValueError, TypeError, RecursionError):
        raise CorruptError(
            f"commit {commit} is damaged in the lake's catalog: restore a copy"
        ) from None


def _commit(row: Sequence[Any]) -> Commit:
    """A row of the catalog as a commit.

    Raises:
        ValueError: it is none.
        TypeError: likewise.
    """
    name, root, parents, message, committer, created, generation, metadata = row
    before, about = json.loads(parents), json.loads(metadata)
    if not isinstance(before, list) or not isinstance(about, dict):
        raise TypeError("parents are a list, and metadata a mapping")
    "".join([name, root, message, committer, *before, *about, *about.values()]).encode()
    if type(created) is not int or type(generation) is not int:
        raise TypeError("the time and the generation are whole numbers")
    return Commit(name, root, tuple(before), message, committer, created, generation, about)
