"""A request as handlers see it, and what they answer: no HTTP machinery, only values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lake.errors import InvalidError
from lake.home import Credentials
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.commits import Note
from lake.server.catalog.content import Content
from lake.server.catalog.imports import Imports
from lake.server.catalog.protection import Settings
from lake.server.catalog.versions import Versions
from lake.server.http.tokens import Signer
from lake.server.storage.objects import ObjectStore

LIST: Final = ""
"""Under which name the body of a call holds a list that is the whole body."""
MAX_DATE: Final = 1 << 33
"""Unix seconds that still fit when counted in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a lake that handlers call."""

    store: ObjectStore
    catalog: Catalog
    versions: Versions
    content: Content
    settings: Settings
    imports: Imports
    signer: Signer
    keys: Credentials


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, a JSON value or text, and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path parameters, query, headers (lower case), JSON body, who asks, and where."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    user: str
    origin: str = ""
    """Scheme and host that the caller reached the server at."""
    repeated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """All values of each query parameter."""

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
        return self.needed("path")

    @property
    def only_new(self) -> bool:
        """Tell whether the caller wants the path only if it is free (If-None-Match: *)."""
        wanted = self.headers.get("if-none-match")
        if wanted not in (None, "*"):
            raise InvalidError("If-None-Match takes only `*`")
        return wanted == "*"

    def text(self, name: str) -> str:
        """A string that the body must hold."""
        found = self.body.get(name)
        if not isinstance(found, str) or not found:
            raise InvalidError(f"the body needs {name!r}, a string")
        return found

    def optional(self, name: str) -> str:
        """A string that the body may hold; empty when it does not."""
        found = self.body.get(name) or ""
        if not isinstance(found, str):
            raise InvalidError(f"{name!r} must be a string")
        return found

    @property
    def listed(self) -> list[Call]:
        """The objects of a body that is a list, each as a call of its own."""
        return self.objects(LIST)

    def needed(self, name: str) -> str:
        """A query parameter that must be there."""
        found = self.query.get(name)
        if not found:
            raise InvalidError(f"the query parameter `{name}` is missing")
        return found

    def inner(self, name: str) -> Call:
        """The same call with a nested object of the body as its body."""
        found = self.body.get(name) or {}
        if not isinstance(found, dict):
            raise InvalidError(f"{name!r} must be an object")
        return replace(self, body=found)

    def flag(self, name: str) -> bool:
        """A boolean of query or body; clients send `true` and `True`."""
        return str(self.query.get(name, self.body.get(name, ""))).lower() == "true"

    def texts(self, name: str) -> list[str]:
        """A list of strings that the body must hold."""
        found = self.body.get(name)
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise InvalidError(f"the body needs {name!r}, a list of strings")
        return found

    def objects(self, name: str) -> list[Call]:
        """A list of objects that the body must hold, each as a call of its own."""
        found = self.body.get(name)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise InvalidError(f"the body needs a list of objects{f' {name!r}' if name else ''}")
        return [replace(self, body=item) for item in found]

    def amount(self, name: str = "amount", default: int = 100) -> int:
        """A page size of the query."""
        text = self.query.get(name, "")
        if not text:
            return default
        try:
            return int(text)
        except ValueError as error:
            raise InvalidError(f"{name} must be a number") from error

    def note(self, default: str) -> Note:
        """What the body says of the commit to make."""
        date = self.body.get("date")
        if date is not None and not (isinstance(date, int) and 0 <= date < MAX_DATE):
            raise InvalidError("date must be unix seconds")
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
            raise InvalidError(f"{name} must map strings to strings")
        return dict(found)
