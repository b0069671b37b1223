"""A request as handlers see it, and what they answer: no HTTP machinery, only values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lake.errors import Invalid
from lake.server.catalog import Catalog
from lake.server.commits import Note
from lake.server.content import Content
from lake.server.objects import ObjectStore
from lake.server.versions import Versions

MAX_DATE: Final = 1 << 33
"""Unix seconds that still fit when counted in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a lake that handlers call."""

    store: ObjectStore
    catalog: Catalog
    versions: Versions
    content: Content


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, a JSON value or text, and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path parameters, query, headers (lower case), JSON body, who asks."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    user: str

    @property
    def repository(self) -> str:
        """The repository in the path."""
        return self.path["repository"]

    @property
    def branch(self) -> str:
        """The branch in the path."""
        return self.path["branch"]

    @property
    def object_path(self) -> str:
        """The object's path, which the API takes as a query parameter."""
        found = self.query.get("path")
        if not found:
            raise Invalid("the query parameter `path` is missing")
        return found

    @property
    def only_new(self) -> bool:
        """Tell whether the caller wants the path only if it is free (If-None-Match: *)."""
        wanted = self.headers.get("if-none-match")
        if wanted not in (None, "*"):
            raise Invalid("If-None-Match takes only `*`")
        return wanted == "*"

    def text(self, name: str) -> str:
        """A string that the body must hold."""
        found = self.body.get(name)
        if not isinstance(found, str) or not found:
            raise Invalid(f"the body needs {name!r}, a string")
        return found

    def optional(self, name: str) -> str:
        """A string that the body may hold; empty when it does not."""
        found = self.body.get(name) or ""
        if not isinstance(found, str):
            raise Invalid(f"{name!r} must be a string")
        return found

    def inner(self, name: str) -> Call:
        """The same call with a nested object of the body as its body."""
        found = self.body.get(name) or {}
        if not isinstance(found, dict):
            raise Invalid(f"{name!r} must be an object")
        return replace(self, body=found)

    def flag(self, name: str) -> bool:
        """A boolean of query or body; clients send `true` and `True`."""
        return str(self.query.get(name, self.body.get(name, ""))).lower() == "true"

    def amount(self, name: str = "amount", default: int = 100) -> int:
        """A page size of the query."""
        text = self.query.get(name, "")
        if not text:
            return default
        try:
            return int(text)
        except ValueError as error:
            raise Invalid(f"{name} must be a number") from error

    def note(self, default: str) -> Note:
        """What the body says of the commit to make."""
        date = self.body.get("date")
        if date is not None and not (isinstance(date, int) and 0 <= date < MAX_DATE):
            raise Invalid("date must be unix seconds")
        return Note(
            message=self.optional("message") or default,
            committer=self.user,
            metadata=self.metadata("metadata"),
            date=date,
        )

    def metadata(self, name: str) -> dict[str, str]:
        """A mapping of strings of the body; absent is empty."""
        found = self.body.get(name) or {}
        texts = isinstance(found, dict) and all(isinstance(item, str) for item in found.values())
        if not texts:
            raise Invalid(f"{name} must map strings to strings")
        return dict(found)
