"""Which service answers, with what limits, prices and retries.

A service is anything that speaks OpenAI's API. Its address comes from params or `OPENAI_BASE_URL`,
its key from `OPENAI_API_KEY`, or from the environment variable that params name, and from nowhere
else, and both are read here only. Without an address, the model `local` is the server that the
project starts itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from pipelines.common.errors import ServiceError
from pipelines.common.settings import StrictModel, operational

LOCAL: Final = "local"
"""The model name that means: the project's own server."""
LOCAL_LICENCE: Final = "https://ai.google.dev/gemma/terms"
"""Terms under which the weights of that server's model are used."""
MOST_AT_ONCE: Final = 128
LOCAL_AT_ONCE: Final = 4
"""Requests at once, where the settings name no bound."""
OPENAI: Final = "https://api.openai.com/v1"
BASE_URL: Final = "OPENAI_BASE_URL"
API_KEY: Final = "OPENAI_API_KEY"
HIDDEN: Final = b"***"
"""Stands where a key was removed."""
SECRETS: Final = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS", "PASS", "_PWD")
"""How names of variables end that hold what only one service may see; `PWD` alone is a folder."""
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_ESCAPES: Final = (b"\\u00", b"\\/")
"""How JSON may write characters of a key that it need not escape."""
_BACKSLASHES: Final = r"(?<!\\)\\++"
"""A whole run of them, which is looked at once, however long it is."""
_SECRET_LENGTH: Final = 8
"""Characters from which on a key is a secret, and no filler such as `EMPTY`."""

EndpointName = Literal["chat", "completions"]
SchemaAs = Literal["response_format", "json_schema", "none"]
LimitAs = Literal["max_tokens", "max_completion_tokens"]


class Price(StrictModel):
    """Dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Service(StrictModel):
    """An OpenAI-compatible service and how it is used."""

    model: str = Field(LOCAL, min_length=1)
    """`local`: the project's own server; else any name that the service knows."""
    base_url: str | None = operational(None)
    """Address that ends in /v1; None: OPENAI_BASE_URL, else OpenAI's own."""
    key: str | None = operational(None)
    """Name of the environment variable that holds the service's key, which is in no file; None:
    OPENAI_API_KEY."""
    licence: str | None = operational(None, min_length=1)
    """Licence or terms of use of the model, as a name of SPDX, an address or words; None: nobody
    says, but for `local`, whose terms are known. The manifest of a round that it made has it."""
    endpoint: Literal["auto", "chat", "completions"] = "auto"
    """The endpoint of a text; auto: completions for `local`, which is a base model, else chat."""
    schema_as: Literal["auto"] | SchemaAs = "auto"
    """The field that carries a JSON schema; auto: response_format for chat, llama.cpp's json_schema
    for completions; none: it is not sent, and answers are checked against it all the same."""
    limit_as: LimitAs = "max_tokens"
    """The field that carries max_tokens; OpenAI's reasoning models want max_completion_tokens."""
    temperature: float | None = Field(1.0, ge=0, le=2)
    """Temperature of sampling; None: the service's own."""
    top_p: float | None = Field(1.0, gt=0, le=1)
    """None for either: it is not sent, for models that refuse it."""
    max_tokens: int = Field(256, gt=0)
    """Most tokens of an answer."""
    extra_body: Mapping[str, Any] = {}
    """Fields of the request body that only this service knows."""

    concurrency: int | None = operational(None, gt=0)
    """Requests at once, at most: 16 in the beginning, one more after as many answers, half after a
    429. None: 128, and 4 for `local`, which works on one at a time."""
    timeout_s: float = operational(120.0, gt=0)
    """Seconds that one whole attempt may take."""
    attempts: int = operational(5, gt=0)
    """Attempts per request before it fails for good."""
    wait_s: float = operational(0.5, gt=0)
    """Seconds before the second attempt; doubled each time, with jitter."""
    wait_max_s: float = operational(60.0, gt=0)
    """The most seconds between two attempts, whatever Retry-After says."""
    max_failures: float = operational(0.1, ge=0, le=1)
    """Share of the requests that may fail for good: it decides whether a stage ends well, not what
    a stage that does has made."""

    prices: Mapping[str, Price] = operational({})
    """By model; a model without one has the estimate of `prices`, or costs an unknown amount;
    `local` costs nothing."""
    budget_usd: float | None = operational(None, gt=0)
    """Dollars that the answers may cost; the run stops before they cost more. None: no bound."""
    time_s: float | None = operational(None, gt=0)
    """Seconds that a run may go on asking; then it stops, and goes on where it is started again.
    None: no bound. Batches have none."""

    batch: bool = operational(False)
    """Whether to use the Batch API: half the price, within a day."""
    batch_poll_s: float = operational(30.0, gt=0)
    """Seconds between two looks at a batch."""

    @field_validator("base_url")
    @classmethod
    def _without_secrets(cls, address: str | None) -> str | None:
        if address is not None and _may_hold_secret(address):
            raise ValueError(
                f"it must hold no name and password, and no query, since manifests record it; set "
                f"{API_KEY}"
            )
        return address

    @field_validator("key")
    @classmethod
    def _names_a_variable(cls, name: str | None) -> str | None:
        if name is not None and not _VARIABLE.fullmatch(name):
            raise ValueError(
                "it is the name of an environment variable, in capitals and with an underscore, "
                "such as MY_SERVICE_KEY, and never the key itself"
            )
        return name

    @property
    def variable(self) -> str:
        """Name of the environment variable that holds the key."""
        return self.key or API_KEY

    @property
    def resolved_licence(self) -> str | None:
        """The licence of the model; None: nobody says."""
        return self.licence or (LOCAL_LICENCE if self.model == LOCAL else None)

    @property
    def resolved_concurrency(self) -> int:
        """Requests at once, at most."""
        return self.concurrency or (LOCAL_AT_ONCE if self.model == LOCAL else MOST_AT_ONCE)

    @property
    def resolved_endpoint(self) -> EndpointName:
        """The endpoint of a text, with `auto` resolved."""
        if self.endpoint != "auto":
            return self.endpoint
        return "completions" if self.model == LOCAL else "chat"


@dataclass(frozen=True, slots=True)
class Access:
    """Address and key of a service; the key is in no repr."""

    base_url: str
    key: str = field(repr=False)
    variable: str = API_KEY
    """Environment variable that the key is from."""

    def scrubbed(self, data: bytes) -> bytes:
        """Return JSON of the server with the key removed, in case it repeats it."""
        if len(self.key) < _SECRET_LENGTH:
            return data
        plain = data.replace(self.key.encode(), HIDDEN)
        escaped = any(mark in plain for mark in _ESCAPES)
        return _written(self.key).sub(HIDDEN, plain) if escaped else plain

    def without_key(self, text: str) -> str:
        """Return a line of the server's, such as a header, with the key removed."""
        return self.scrubbed(text.encode("utf-8", "replace")).decode()


def address(service: Service) -> str | None:
    """Return the address of a service; None: it is the local server."""
    url = service.base_url or os.environ.get(BASE_URL, "").strip() or None
    return None if url is None and service.model == LOCAL else url or OPENAI


def access(service: Service) -> Access | None:
    """Return address and key of a service; None: it is the local server.

    Raises:
        ServiceError: The service is not the local one and there is no key, or the environment's
            address is empty or may hold one.
    """
    url = service.base_url or os.environ.get(BASE_URL, "").strip() or None
    if url is None and service.model == LOCAL:
        return None
    if url is None and not os.environ.get(BASE_URL, "unset").strip():
        raise ServiceError(
            f"{BASE_URL} is set and empty: set it to the address of your service, or unset it if "
            f"{OPENAI} is to be asked"
        )
    if url is not None and _may_hold_secret(url):
        raise ServiceError(
            f"{BASE_URL} must hold no name and password, and no query, since errors and records "
            f"name the address: set {service.variable} to the key"
        )
    key = os.environ.get(service.variable, "").strip()
    if not key:
        raise ServiceError(
            f"{service.variable} is not set: set it to the key of {url or OPENAI} (any word, where "
            f"the service asks for none), or use the model {LOCAL!r} without {BASE_URL}"
        )
    return Access((url or OPENAI).rstrip("/"), key, service.variable)


def _may_hold_secret(url: str) -> bool:
    """Whether an address has a name and password, or a query; no request is sent by either."""
    host = re.split(r"[/?#]", url.rpartition("://")[2], maxsplit=1)[0]
    return "@" in host or "?" in url


@lru_cache(maxsize=16)
def _written(key: str) -> re.Pattern[bytes]:
    """A pattern of a key, each character as it is or as JSON may write it."""
    return re.compile("".join(map(_character, key)).encode())


def _character(character: str) -> str:
    before = rf"(?:{_BACKSLASHES})?" if character == "/" else ""
    escaped = rf"{_BACKSLASHES}u(?i:{ord(character):04x})"
    return rf"(?:{before}{re.escape(character)}|{escaped})"


def is_secret(variable: str) -> bool:
    """Whether an environment variable holds a key, by its name: of a service, or of anything."""
    _, line, last = variable.upper().rpartition("_")
    return variable == API_KEY or last in SECRETS or line + last in SECRETS
