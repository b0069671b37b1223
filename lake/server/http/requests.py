"""A request as handlers see it, and what they return: values only, no HTTP machinery.

`from_http` makes such a request of Starlette's one; `read_body` and `parse_json` read its body. The
body is not part of the request: a handler that takes one has a parameter `body` of a model in
`bodies.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import starlette.requests

from lake.errors import InvalidError, TooLargeError
from lake.keys import Key
from lake.server.actions.service import Approval
from lake.server.catalog.conditions import Condition
from lake.server.catalog.pagination import MAX_PAGE

KEY: Final = "lake.key"
"""Under this name the scope of a request holds its sender's key; none where it needs none."""
_ETAG: Final = re.compile(r'\*|"[^",\s]+"|[^",\s]+')
_LISTED_ETAG: Final = re.compile(r'(?:W/)?"([^"]*)"|([^\s,"]+)')
_LISTS: Final = ("if-match", "if-none-match")
"""Headers whose repeated lines are one list."""
_HOST: Final = re.compile(r"[\w.-]+(:\d{1,5})?|\[[\da-fA-F:.]+\](:\d{1,5})?", re.ASCII)

HttpRequest = starlette.requests.Request
"""A request as Starlette has it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a handler returns: a status, a body (JSON value or text), and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: path parameters, query, headers (names in lower case), and its sender."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    key: Key | None = None
    """The sender's; None where a call needs none."""
    origin: str = ""
    """Scheme and host under which the client reached the server."""
    repeated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """All values of each query parameter."""
    approval: Approval | None = None
    """That of the hooks before the change that is asked for, once they have given it."""

    @property
    def user(self) -> str:
        """The name of who sent the request, for commits."""
        return self.key.name if self.key else ""

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
        return self.required("path")

    @property
    def condition(self) -> Condition:
        """What must hold of the path for it to be written: If-None-Match: * and If-Match.

        Raises:
            InvalidError: a header has another value.
        """
        absent, etag = self.headers.get("if-none-match"), self.headers.get("if-match")
        if absent not in (None, "*"):
            raise InvalidError("If-None-Match takes only `*`")
        if etag is not None and not _ETAG.fullmatch(etag):
            raise InvalidError("If-Match takes one ETag, or `*`")
        if etag not in (None, '"*"'):  # one that is called `*` is the ETag of nothing here
            etag = etag.strip('"')
        return Condition(absent == "*", etag)

    def has(self, etag: str) -> bool:
        """Whether a client that reads has this object already: If-None-Match, compared weakly.

        It takes a list of ETags, of which some may be weak, or `*` for any (RFC 9110, 13.1.2); one
        without quotes counts too, as clients of lakeFS send it.
        """
        text = self.headers.get("if-none-match", "").strip()
        if text == "*":
            return True
        return etag in (quoted or bare for quoted, bare in _LISTED_ETAG.findall(text))

    def required(self, name: str) -> str:
        """A query parameter that must be given.

        Raises:
            InvalidError: it is missing or empty.
        """
        value = self.query.get(name)
        if not value:
            raise InvalidError(f"the query parameter `{name}` is missing")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean of the query; clients send `true` and `True`."""
        text = self.query.get(name, "")
        return text.lower() == "true" if text else default

    def page_size(self, default: int = 100) -> int:
        """How many lines of a listing the client asks for (`amount`).

        Raises:
            InvalidError: it is not a number from -1 (as many as there may be) to `MAX_PAGE`.
        """
        text = self.query.get("amount", "")
        if not text:
            return default
        try:
            amount = int(text)
        except ValueError as error:
            raise InvalidError("amount must be a number") from error
        if not -1 <= amount <= MAX_PAGE:
            raise InvalidError(f"amount must be a number from -1 to {MAX_PAGE}")
        return amount


def from_http(http: HttpRequest) -> Request:
    """Take what handlers need from Starlette's request; its body is left unread."""
    query = http.query_params
    repeated: dict[str, list[str]] = {}
    for name, value in query.multi_items():
        repeated.setdefault(name, []).append(value)
    return Request(
        path={name: unquote(value) for name, value in http.path_params.items()},
        query={name: values[-1] for name, values in repeated.items()},
        headers=headers_of(http),
        key=http.scope.get(KEY),
        origin=origin_of(http),
        repeated=repeated,
    )


async def read_body(http: HttpRequest, max_bytes: int) -> bytes:
    """Read the body of a request.

    Raises:
        TooLargeError: it has more bytes.
    """
    body = bytearray()
    async for chunk in http.stream():
        body += chunk
        if len(body) > max_bytes:
            raise TooLargeError(f"the body is larger than {max_bytes} bytes")
    return bytes(body)


def parse_json(body: bytes) -> Any:  # noqa: ANN401  JSON
    """Read a body as a JSON object or array; an empty body is an empty object.

    Raises:
        InvalidError: it is not JSON in UTF-8, or a plain value.
    """
    if not body:
        return {}
    try:
        value = json.loads(body.decode())  # given bytes, it takes halves of surrogate pairs
        if b"\\u" in body:  # half of a surrogate pair is valid JSON, and no text
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidError("the body is not JSON") from error
    if not isinstance(value, dict | list):
        raise InvalidError("the body must be a JSON object")
    return value


def headers_of(http: HttpRequest) -> dict[str, str]:
    """Headers by name: of several lines of one the last, or all of a list's."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in http.headers.raw:  # uvicorn gives names in lower case
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        present = headers.get(name) if name in _LISTS else None
        headers[name] = value if present is None else f"{present}, {value}"
    return headers


def origin_of(http: HttpRequest) -> str:
    """Scheme and host of the server as the client wrote them, where that can be a host."""
    host = http.headers.get("host", "")
    if not _HOST.fullmatch(host):
        name, port = http.scope["server"]
        host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return f"{http.scope['scheme']}://{host}"
