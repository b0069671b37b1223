"""Lines of the API's listings, of which a lake is asked for thousands.

The SDK's own models are pydantic 1, which checks a line in Python; these read a page of a thousand
lines in a millisecond, and hold only what is used of them.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Line = TypeVar("Line", bound="Record")


class Record(BaseModel):
    """What a response must have; other fields of the API are passed over."""

    model_config = ConfigDict(strict=True, frozen=True, defer_build=True)


class RefRecord(Record):
    """A branch or tag."""

    id: str
    commit_id: str


class CommitRecord(Record):
    """A commit of a log; its creation in unix seconds."""

    id: str
    parents: list[str]
    committer: str
    message: str
    creation_date: int
    metadata: dict[str, str] | None = None


class ObjectRecord(Record):
    """An object."""

    path: str
    checksum: str
    physical_address: str
    size_bytes: int | None = None


class RightRecord(Record):
    """What a diff tells of the object of its right side."""

    checksum: str


class ChangeRecord(Record):
    """A path of a diff, with the object of its right side where that was asked for."""

    path: str
    type: str
    size_bytes: int | None = None
    right: RightRecord | None = None


class StateRecord(Record):
    """An object as stat, a listing, or the right side of a diff shows it."""

    checksum: str
    size_bytes: int | None = None
    content_type: str | None = None
    metadata: dict[str, str] | None = None


class DifferenceRecord(Record):
    """A path of a diff, with the object of its right side where the server gives it."""

    path: str
    type: str
    size_bytes: int | None = None
    right: StateRecord | None = None


class Pagination(Record):
    """Whether more lines follow, and from where."""

    has_more: bool
    next_offset: str


class Page(Record, Generic[Line]):
    """A page of a listing."""

    pagination: Pagination
    results: list[Line]


Refs = Page[RefRecord]
Commits = Page[CommitRecord]
Objects = Page[ObjectRecord]
Changes = Page[ChangeRecord]
Differences = Page[DifferenceRecord]


class RepositoryRecord(Record):
    """A repository; its creation in unix seconds."""

    id: str
    default_branch: str
    creation_date: int


class ListedRecord(Record):
    """A line of a listing by folders: an object, or a common prefix."""

    path: str
    path_type: str
    size_bytes: int | None = None


Repositories = Page[RepositoryRecord]
Listed = Page[ListedRecord]
