"""Commits: a tree, its parents and a message, named by the hash of all that, never changed."""

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
class CommitMessage:
    """What a new commit records: a text, its committer, metadata, and unix seconds if given.

    `created` is the time in nanoseconds of one that was made before and taken back.
    """

    text: str
    committer: str
    metadata: Mapping[str, str]
    date: int | None = None
    created: int | None = None


def make(repository: str, root: str, parents: tuple[Commit, ...], message: CommitMessage) -> Commit:
    """Put a commit together; nothing is written."""
    draft = Commit(
        id="",
        root=root,
        parents=tuple(parent.id for parent in parents),
        message=message.text,
        committer=message.committer,
        created=_time(message),
        generation=1 + max((parent.generation for parent in parents), default=0),
        metadata=dict(message.metadata),
    )
    return replace(draft, id=identity(repository, draft))


def _time(message: CommitMessage) -> int:
    if message.date is not None:
        return message.date * 10**9
    return time.time_ns() if message.created is None else message.created


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
    """Store a commit; to be called inside a change."""
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
        NotFoundError: there is no commit of this id.
        CorruptError: its row is not a commit.
    """
    row = database.connection.execute(
        "SELECT id, root, parents, message, committer, created_ns, generation, metadata "
        "FROM commits WHERE repository = ? AND id = ?",
        (repository, commit),
    ).fetchone()
    if row is None:
        raise NotFoundError(f"commit {commit} not found in {repository!r}")
    try:
        return _from_row(row)
    except (ValueError, TypeError, RecursionError):
        raise CorruptError(
            f"commit {commit} is damaged in the lake's catalog: restore a copy"
        ) from None


def exists(database: Database, repository: str, commit: str) -> bool:
    """Whether there is a commit of this full id."""
    rows = database.connection.execute(
        "SELECT 1 FROM commits WHERE repository = ? AND id = ?", (repository, commit)
    )
    return rows.fetchone() is not None


def check_root(database: Database, repository: str, root: str) -> None:
    """Refuse a tree that no commit of a repository has.

    Raises:
        NotFoundError: there is no such commit.
    """
    rows = database.connection.execute(
        "SELECT 1 FROM commits WHERE repository = ? AND root = ? LIMIT 1", (repository, root)
    )
    if rows.fetchone() is None:
        raise NotFoundError(f"no commit of {repository!r} has the metarange {root!r}")


def ids_with_prefix(database: Database, repository: str, prefix: str, max_count: int) -> list[str]:
    """Ids of commits that begin with some hexadecimal digits, `max_count` at most."""
    rows = database.connection.execute(
        "SELECT id FROM commits WHERE repository = ? AND id >= ? AND id < ? LIMIT ?",
        (repository, prefix, prefix + "g", max_count),
    )
    return [row[0] for row in rows]


def _from_row(row: Sequence[Any]) -> Commit:
    """A row of the catalog as a commit.

    Raises:
        ValueError: it is not a commit.
        TypeError: it is not a commit.
    """
    name, root, parents, message, committer, created, generation, metadata = row
    parent_ids, pairs = json.loads(parents), json.loads(metadata)
    if not isinstance(parent_ids, list) or not isinstance(pairs, dict):
        raise TypeError("parents are a list, and metadata a mapping")
    "".join([name, root, message, committer, *parent_ids, *pairs, *pairs.values()]).encode()
    if type(created) is not int or type(generation) is not int:
        raise TypeError("the time and the generation are whole numbers")
    return Commit(name, root, tuple(parent_ids), message, committer, created, generation, pairs)
