"""A request, a reply and a failure: frozen, and the same for every service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple

from pipelines.common import digests
from pipelines.llm.settings import LOCAL, EndpointName, LimitAs, SchemaAs, Service

WEIGHTS: Final = "gemma-3-270m-q4_k_m"
"""The weights behind the model `local`; part of the digests of its requests."""
_REPEATABLE: Final = {"cache_prompt": False}
"""Has llama.cpp compute each prompt anew; only then does a seed give the same answer again."""
_COMPACT: Final = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""Has llama.cpp write JSON as `json.dumps` does; else a small model adds white space."""
PATHS: Final[Mapping[EndpointName, str]] = {
    "chat": "/chat/completions",
    "completions": "/completions",
}


@dataclass(frozen=True)
class Request:
    """Chat messages, or a prompt to continue, and every setting that shapes the answer."""

    model: str
    messages: tuple[Mapping[str, Any], ...] | None = None
    prompt: str | None = None
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer; None: any text."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int = 256
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    schema_as: SchemaAs = "response_format"
    limit_as: LimitAs = "max_tokens"

    def __post_init__(self) -> None:
        """Check that the request has one of messages and prompt.

        Raises:
            ValueError: It has both or neither.
        """
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("a request has either messages or a prompt")

    @property
    def endpoint(self) -> EndpointName:
        """The endpoint that the request is for."""
        return "completions" if self.messages is None else "chat"

    @property
    def path(self) -> str:
        """Path of the endpoint below the service's address."""
        return PATHS[self.endpoint]

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object that is sent; settings that are None are left out."""
        content: dict[str, Any] = {"prompt": self.prompt}
        if self.messages is not None:
            content = {"messages": [dict(message) for message in self.messages]}
        settings = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            self.limit_as: self.max_tokens,
            "seed": self.seed,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        return {"model": self.model, **content, **given, **self._structure(), **self.extra}

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of endpoint, body, schema and, for `local`, the weights behind it.

        The address is not part of it: behind another gateway or port, the same model gives the
        same answer, and nobody pays for it twice. The key is not part of it either.
        """
        content = {
            "path": self.path,
            "body": self.body,
            "schema": self.schema,
            "weights": WEIGHTS if self.model == LOCAL else None,
        }
        return digests.of_json(content, ascii_only=False)

    def _structure(self) -> dict[str, Any]:
        """The field of the body that carries the schema, if it is sent."""
        if self.schema is None or self.schema_as == "none":
            return {}
        if self.schema_as == "json_schema":
            return {"json_schema": {**self.schema, "x-guidance": _COMPACT}}
        named = {"name": "answer", "strict": True, "schema": self.schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}


class Usage(NamedTuple):
    """Tokens that a service counted for an attempt."""

    tokens_in: int = 0
    tokens_out: int = 0
    known: bool = True
    """Whether it gave both counts; else they are 0, and what they cost is not."""


NOTHING: Final = Usage()
"""Of an attempt that was not billed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and what it cost; for a cached one, what it cost when it was paid."""

    digest: str
    text: str
    parsed: Any
    """The JSON value, valid under the request's schema; None where there is no schema."""
    model: str
    """The model as the service names it."""
    tokens_in: int
    tokens_out: int
    """Tokens of all attempts that the service counted, not only of the last one."""
    dollars: float | None
    """What those tokens cost, or at most cost where the service did not count them; None: the
    price is unknown."""
    attempts: int
    seed: int | None
    """The seed of the answer: another one than the request's after a broken answer."""
    finish_reason: str
    seconds: float
    """From the first attempt to the answer, waiting included."""
    cached: bool = False
    dollars_before: float | None = 0.0
    """Of the dollars, those that an earlier run paid for broken answers to this request."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed for good; it is not cached and will be sent again by a later run."""

    digest: str
    reason: str
    """One sentence, without the key."""
    attempts: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    dollars_before: float | None = 0.0
    """Of the dollars, those that an earlier run paid."""


def request(
    service: Service,
    prompt: str | Sequence[Mapping[str, Any]],
    *,
    schema: Mapping[str, Any] | None = None,
    seed: int | None = None,
    **overrides: Any,  # noqa: ANN401  fields of Request
) -> Request:
    """Return a request with a service's settings.

    The local model is told not to reuse what it computed for an earlier prompt: only then does a
    seed give the same answer again. `extra_body: {cache_prompt: true}` is faster and gives that
    up.

    Args:
        service: Gives model, limits and the field that carries a schema.
        prompt: Chat messages; or a text, which becomes the prompt of a completion, or the one user
            message of a chat, as the service's endpoint wants it.
        schema: JSON schema of the answer.
        seed: Seed of the sampling.
        **overrides: Fields that replace the service's: temperature, top_p, max_tokens, model.
    """
    content: dict[str, Any] = {"messages": None, "prompt": None}
    if not isinstance(prompt, str):
        content["messages"] = tuple(dict(message) for message in prompt)
    elif service.resolved_endpoint == "chat":
        content["messages"] = ({"role": "user", "content": prompt},)
    else:
        content["prompt"] = prompt
    usual: SchemaAs = "json_schema" if content["messages"] is None else "response_format"
    settings = {
        "model": service.model,
        "temperature": service.temperature,
        "top_p": service.top_p,
        "max_tokens": service.max_tokens,
        "extra": {**(_REPEATABLE if service.model == LOCAL else {}), **service.extra_body},
        "schema_as": usual if service.schema_as == "auto" else service.schema_as,
        "limit_as": service.limit_as,
    }
    return Request(**content, **{**settings, **overrides}, schema=schema, seed=seed)
