"""Commits, changes and objects of a lake, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: id, parents (first the branch's own), message, metadata, unix seconds."""

    id: str
    parents: tuple[str, ...]
    message: str
    metadata: Mapping[str, str]
    created: int
    committer: str


@dataclass(frozen=True, slots=True)
class Change:
    """One path of a diff; kind is added, removed, changed or conflict; size in bytes.

    The checksum (md5) is that of the right side; None if it has no such object, or where checksums
    were not requested.
    """

    path: str
    kind: str
    size: int
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object: path, md5 checksum, size in bytes, physical address."""

    path: str
    checksum: str
    size: int
    address: str


@dataclass(frozen=True, slots=True)
class ObjectState:
    """What an object is: MD5 checksum, size in bytes, content type, user metadata."""

    checksum: str
    size: int
    content_type: str
    metadata: tuple[tuple[str, str], ...]
    """Names and values, in order of the names."""


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What a server says about a repository; `created` in unix seconds."""

    created: int
    default_branch: str


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did: its number, purged objects and their bytes, and uploads that it ended."""

    id: int
    objects: int
    object_bytes: int
    uploads: int
    """Uploads in parts, and addresses that were handed out, which nothing comes from any more."""
