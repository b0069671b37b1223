"""From the bytes of an answer to a value that is what was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lake import documents
from pipelines.common.errors import ParamsError
from pipelines.llm.faults import FINAL, Fault
from pipelines.llm.values import Request

MOST_TOKENS: Final = 1 << 40
"""Tokens that one answer may count; a larger number is none."""
QUOTED: Final = 200
"""Characters of a server's own words in a reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said to one attempt."""

    text: str
    parsed: Any
    model: str
    tokens_in: int
    tokens_out: int
    finish_reason: str


def read(data: bytes, request: Request) -> Answer:
    """Read the body of a 200.

    Raises:
        Fault: it is not JSON, holds an error, holds no answer, or the answer is not valid under
            the request's schema; with the tokens that were counted.
    """
    try:
        body = documents.parse_json(data, strict=False)
    except ValueError:
        raise Fault("the service answered with something that is not JSON") from None
    if not isinstance(body, dict):
        raise Fault("the service answered with JSON that is no object")
    _check_error(body)
    tokens_in, tokens_out = _usage(body)
    choice = _choice(body)
    said = _said(choice, tokens_in, tokens_out)
    reason = str(choice.get("finish_reason") or "")[:QUOTED]
    try:
        parsed = _parsed(said, request.schema, reason)
    except Fault as fault:
        raise fault.billed(tokens_in, tokens_out) from None
    model = str(body.get("model") or request.model)[:QUOTED]
    return Answer(said, parsed, model, tokens_in, tokens_out, reason)


def check_schema(schema: Mapping[str, Any]) -> None:
    """Check that a schema can be used.

    Raises:
        ParamsError: it is no JSON schema.
    """
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415  slow to import

    try:
        _validator(json.dumps(schema, sort_keys=True)).check_schema(schema)
    except SchemaError as error:
        raise ParamsError(f"the schema of a request is no JSON schema: {error.message}") from error


def message(body: Any) -> str:  # noqa: ANN401  JSON
    """The words in an error body of any of the usual forms; empty when there are none."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    words = error.get("message") if isinstance(error, Mapping) else error
    return " ".join(words.split())[:QUOTED] if isinstance(words, str) else ""


def _check_error(body: Mapping[str, Any]) -> None:
    """Raise for an error that came as a 200."""
    error = body.get("error")
    if not error:
        return
    code = error.get("code") if isinstance(error, Mapping) else None
    again = not isinstance(code, int) or code not in FINAL
    words = message(body) or documents.shown(str(code))
    raise Fault(f"the service answered 200 with an error: {words}", again=again)


def _usage(body: Mapping[str, Any]) -> tuple[int, int]:
    usage = body.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    found = (counts.get("prompt_tokens"), counts.get("completion_tokens"))
    return tuple(count if _is_count(count) else 0 for count in found)  # type: ignore[return-value]


def _is_count(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= MOST_TOKENS


def _choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise Fault("the service answered without choices").billed(*_usage(body))
    return choices[0]


def _said(choice: Mapping[str, Any], tokens_in: int, tokens_out: int) -> str:
    """The text of a completion or of a chat message."""
    said = choice.get("message", choice)
    if not isinstance(said, Mapping):
        raise Fault("the service answered without a message").billed(tokens_in, tokens_out)
    if said.get("refusal"):
        words = message(said["refusal"])
        raise Fault(f"the model refused: {words}", again=False).billed(tokens_in, tokens_out)
    text = said.get("content", said.get("text"))
    if not isinstance(text, str):
        raise Fault("the service answered without a text").billed(tokens_in, tokens_out)
    return text


def _parsed(text: str, schema: Mapping[str, Any] | None, reason: str) -> Any:  # noqa: ANN401  JSON
    if schema is None:
        return None
    try:
        value = documents.parse_json(text, strict=False)
    except ValueError:
        cut = ", cut off at max_tokens" if reason == "length" else ""
        raise Fault(f"the answer is not JSON{cut}", other_seed=True) from None
    from jsonschema.exceptions import best_match  # noqa: PLC0415  slow to import

    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        wrong = best_match(validator.iter_errors(value))
    except (ArithmeticError, ValueError, RecursionError):  # of numbers that no float is, or NaN
        raise Fault("the answer holds a number that is none", other_seed=True) from None
    if wrong is not None:
        said = wrong.message[:QUOTED]
        raise Fault(f"the answer breaks its schema: {said}", other_seed=True)
    return value


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:  # noqa: ANN401  a protocol without a constructor's type
    from jsonschema.validators import validator_for  # noqa: PLC0415  slow to import

    content = json.loads(schema)
    return validator_for(content)(content)
