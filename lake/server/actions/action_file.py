"""Action files: YAML below `_lakefs_actions/`, read safely and checked field by field.

The schema is lakeFS's (https://docs.lakefs.io/howto/hooks/). What it would pass over, this one
refuses, since a misspelt check that never runs is worse than none: unknown fields, a timeout that
is no text, hooks of types that do not run here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from threading import Lock
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from lake import documents
from lake.documents import DocumentError
from lake.errors import InvalidError
from lake.server.actions import addresses, conditions, durations, variables
from lake.server.actions.events import LEFT_OUT, EventType
from lake.server.catalog import globs

FOLDER: Final = "_lakefs_actions/"
MAX_BYTES: Final = 16 << 10
"""Largest action file."""
_MAX_BRACKETS: Final = 400
"""Brackets in a file: the parser's time grows with the square of how deeply they are nested."""
_HEADER: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_OWN_HEADERS: Final = (
    *("accept-encoding", "connection", "content-length", "content-type", "expect", "host"),
    *("proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"),
)
"""Headers that belong to the connection, which the server sets itself."""
_PATTERN: Final = re.compile(r"(?:[\w*?-]|\[\^?(?:\w-\w|\w)+\])+", re.ASCII)
_BUILDING: Final = Lock()
"""Held while the schema is built, which two threads must not do at once."""
_OTHER_TYPES: Final = {"lua": "Lua", "airflow": "Airflow"}


class ActionFileError(ValueError):
    """An action file cannot be used; the message names file and field, and what to do."""

    def __init__(self, message: str, events: frozenset[str] | None = None) -> None:
        """Say what is wrong, and the events that the file is for; None where that is unknown."""
        super().__init__(message)
        self.events = events


def _type(value: object) -> object:
    if isinstance(value, str) and value in _OTHER_TYPES:
        raise ValueError(
            f"is {value}, and {_OTHER_TYPES[value]} hooks do not run on this server: call a "
            "webhook that does the same, or use a lakeFS server"
        )
    return value


def _url(text: str) -> str:
    addresses.parse(text)
    return text


def _duration(text: str) -> str:
    durations.seconds(text)
    return text


def _checked_variables(text: str) -> str:
    variables.check(text)
    return text


def _condition(value: object) -> object:
    text = str(value).lower() if isinstance(value, bool) else _or_no_text(value)
    if isinstance(text, str):
        conditions.check(text)
    return text


def _header(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise ValueError("is no name of a header")
    if name.lower() in _OWN_HEADERS:
        raise ValueError("is a header that the server sets itself")
    return name


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError(
            "must be a pattern of branch names: letters, digits, `_`, `-`, `*`, `?`, `[a-c]`, "
            "`[^a]`"
        )
    try:
        globs.check(text)
    except InvalidError as error:
        raise ValueError(f"is not valid: {error}") from None
    return text


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _or_no_text(value: object) -> object:
    return "" if value is None else value


def _in_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Text = Annotated[StrictStr, Field(max_length=1024), AfterValidator(_checked_variables)]
_Texts = Annotated[list[_Text], BeforeValidator(_in_list), Field(max_length=50)]
_Description = Annotated[StrictStr, BeforeValidator(_or_no_text), Field(max_length=2048)]
_Id = Annotated[StrictStr, StringConstraints(pattern=r"^[_a-zA-Z][\-_a-zA-Z0-9]{1,255}$")]
_Name = Annotated[StrictStr, StringConstraints(pattern=r"^[0-9A-Za-z_][0-9A-Za-z_\-. ]{1,254}$")]
_Pattern = Annotated[StrictStr, Field(max_length=256), AfterValidator(_pattern)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Webhook(_Model):
    """What is sent where, and how long the answer may take."""

    url: Annotated[StrictStr, AfterValidator(_url)]
    timeout: Annotated[StrictStr, AfterValidator(_duration)] = f"{durations.DEFAULT_SECONDS:g}s"
    query_params: Annotated[Mapping[_Text, _Texts], BeforeValidator(_or_empty)] = Field(
        default={}, max_length=50
    )
    headers: Annotated[
        Mapping[Annotated[StrictStr, AfterValidator(_header)], _Text], BeforeValidator(_or_empty)
    ] = Field(default={}, max_length=50)

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return durations.seconds(self.timeout)


class Hook(_Model):
    """One call of an action."""

    id: _Id
    type: Annotated[Literal["webhook"], BeforeValidator(_type)]
    description: _Description = ""
    condition: Annotated[StrictStr, BeforeValidator(_condition)] = Field(default="", alias="if")
    properties: Webhook


class On(_Model):
    """The branches on which an event counts; all of them where none is given."""

    branches: Annotated[list[_Pattern], Field(max_length=100)] = []


class Action(_Model):
    """An action file: hooks, in their order, and the events on which they are called."""

    name: _Name
    description: _Description = ""
    on: Annotated[
        Mapping[EventType, Annotated[On, BeforeValidator(_or_empty)]], Field(min_length=1)
    ]
    hooks: Annotated[list[Hook], Field(min_length=1, max_length=25)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Action:
        names = [hook.id for hook in self.hooks]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two hooks have the id {twice!r}")
        for event, on in self.on.items():
            if on.branches and event.endswith("-tag"):
                raise ValueError(f"`branches` does not go with {event}")
        return self

    def matches(self, event: EventType, branch: str) -> bool:
        """Whether its hooks are called on an event of a branch, by Go's `path.Match`."""
        on = self.on.get(event)
        if on is None:
            return False
        patterns = [pattern.replace("[^", "[!") for pattern in on.branches]
        return not patterns or any(globs.matches(pattern, branch) for pattern in patterns)


def parse(path: str, data: bytes) -> Action:
    """Read an action file.

    Args:
        path: of the file in its repository; the end of it is the name of an action without one.
        data: its bytes.

    Raises:
        ActionFileError: it cannot be used; the message says what is wrong where, and what to do.
    """
    document = _document(path, data)
    if document.get("name") is None:
        document["name"] = path.rpartition("/")[2]
    if not Action.__pydantic_complete__:  # a start waits for no schema
        with _BUILDING:
            Action.model_rebuild()
    try:
        return Action.model_validate(document)
    except ValidationError as error:
        raise ActionFileError(f"{path}: {_sentence(error)}", _events(document)) from None


def _events(document: Mapping[str, Any]) -> frozenset[str] | None:
    """The events that a file is for; None where it may be for others, too."""
    on = document.get("on")
    events = frozenset(on) if isinstance(on, dict) else frozenset()
    return events if events and events <= set(EventType) else None


def _document(path: str, data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise ActionFileError(f"{path}: an action file has at most {MAX_BYTES >> 10} KiB")
    if data.count(b"[") + data.count(b"{") > _MAX_BRACKETS:
        raise ActionFileError(f"{path}: an action file has at most {_MAX_BRACKETS} brackets")
    try:
        document = documents.parse_yaml(data.decode())
    except UnicodeDecodeError:
        raise ActionFileError(f"{path} is not UTF-8: save it as such") from None
    except DocumentError as error:
        raise ActionFileError(f"{path} {error}") from None
    if not isinstance(document, dict):
        raise ActionFileError(f"{path} is no action file: it needs `on` and `hooks`")
    return document


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong: the field, and what to do."""
    first = error.errors(include_url=False, include_input=False)[0]
    location = [part for part in first["loc"] if part != "[key]"]
    field = documents.one_line("".join(_step(part) for part in location).lstrip("."))
    reason = _reason(first["type"], first["msg"], str(location[-1]) if location else "")
    return f"`{field}` {reason}" if field else reason


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _reason(kind: str, message: str, name: str) -> str:
    """What is wrong with the field of a name, by pydantic's type and message of the error."""
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"is not a field of action files{_nearest(name)}"
    if kind == "enum":
        return _unknown_event(name)
    reason = documents.one_line(message.removeprefix("Value error, "))
    return reason if kind == "value_error" else f"is not valid: {reason[:1].lower() + reason[1:]}"


def _nearest(name: str) -> str:
    known = [
        field.alias or key
        for model in (Action, On, Hook, Webhook)
        for key, field in model.model_fields.items()
    ]
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean `{close[0]}`?" if close else ": remove it"


def _unknown_event(name: str) -> str:
    if name in LEFT_OUT:
        return "is an event of lakeFS that does not occur on this server: remove it"
    close = difflib.get_close_matches(name, [str(event) for event in EventType], 1)
    hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(EventType)}"
    return f"is no event: {hint}"
