"""From the bytes of an answer to a text, or to a value under the request's schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from lake import documents
from pipelines.common.errors import ParamsError
from pipelines.llm.attempt_error import FINAL, AttemptError
from pipelines.llm.values import Request

MAX_TOKENS: Final = 1 << 40
"""Tokens that one answer may count; a larger number is taken for none."""
MAX_QUOTED: Final = 200
"""Characters of a server's own words in a reason."""


class Answer(NamedTuple):
    """The answer of a service to one attempt."""

    text: str
    parsed: Any
    model: str
    tokens_in: int
    tokens_out: int
    finish_reason: str


def read(data: bytes, request: Request) -> Answer:
    """Return the answer in the body of a 200.

    Raises:
        AttemptError: It is not JSON, holds an error, holds no answer, or the answer is not valid
            under the request's schema; with the tokens that were counted.
    """
    try:
        body = documents.parse_json(data, strict=False)
    except ValueError:
        raise AttemptError("the service answered with something that is not JSON") from None
    if not isinstance(body, dict):
        raise AttemptError("the service answered with JSON that is no object")
    _check_error(body)
    tokens_in, tokens_out = _usage(body)
    choice = _choice(body)
    text = _text(choice, tokens_in, tokens_out)
    finish_reason = str(choice.get("finish_reason") or "")[:MAX_QUOTED]
    try:
        parsed = _parsed(text, request.schema, finish_reason)
    except AttemptError as error:
        raise error.billed(tokens_in, tokens_out) from None
    model = str(body.get("model") or request.model)[:MAX_QUOTED]
    return Answer(text, parsed, model, tokens_in, tokens_out, finish_reason)


def check_schema(schema: Mapping[str, Any]) -> None:
    """Check that a schema is a JSON schema.

    Raises:
        ParamsError: It is none.
    """
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415  slow to import

    try:
        _validator(json.dumps(schema, sort_keys=True)).check_schema(schema)
    except SchemaError as error:
        raise ParamsError(f"the schema of a request is no JSON schema: {error.message}") from error


def message(body: Any) -> str:  # noqa: ANN401  JSON
    """Return the message in an error body of any of the usual forms; empty when there is none."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    text = error.get("message") if isinstance(error, Mapping) else error
    return " ".join(text.split())[:MAX_QUOTED] if isinstance(text, str) else ""


def _check_error(body: Mapping[str, Any]) -> None:
    """Raise for an error that came as a 200."""
    error = body.get("error")
    if not error:
        return
    code = error.get("code") if isinstance(error, Mapping) else None
    retryable = not isinstance(code, int) or code not in FINAL
    reason = message(body) or documents.one_line(str(code))
    raise AttemptError(f"the service answered 200 with an error: {reason}", retryable=retryable)


def _usage(body: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens in and out, as the service counted them; 0 where it gave no count."""
    usage = body.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    return _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 <= value <= MAX_TOKENS else 0


def _choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise AttemptError("the service answered without choices").billed(*_usage(body))
    return choices[0]


def _text(choice: Mapping[str, Any], tokens_in: int, tokens_out: int) -> str:
    """The text of a completion or of a chat message."""
    source = choice.get("message", choice)
    if not isinstance(source, Mapping):
        raise AttemptError("the service answered without a message").billed(tokens_in, tokens_out)
    if source.get("refusal"):
        error = AttemptError(f"the model refused: {message(source['refusal'])}", retryable=False)
        raise error.billed(tokens_in, tokens_out)
    text = source.get("content", source.get("text"))
    if not isinstance(text, str):
        raise AttemptError("the service answered without a text").billed(tokens_in, tokens_out)
    return text


def _parsed(text: str, schema: Mapping[str, Any] | None, finish_reason: str) -> Any:  # noqa: ANN401  JSON
    """The JSON value of a text, valid under the schema; None where there is no schema."""
    if schema is None:
        return None
    try:
        value = documents.parse_json(text, strict=False)
    except ValueError:
        cut = ", cut off at max_tokens" if finish_reason == "length" else ""
        raise AttemptError(f"the answer is not JSON{cut}", other_seed=True) from None
    from jsonschema.exceptions import best_match  # noqa: PLC0415  slow to import

    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        violation = best_match(validator.iter_errors(value))
    except (ArithmeticError, ValueError, RecursionError):  # NaN, or a number beyond all floats
        reason = "the answer holds a number that is not finite"
        raise AttemptError(reason, other_seed=True) from None
    if violation is not None:
        reason = violation.message[:MAX_QUOTED]
        raise AttemptError(f"the answer breaks its schema: {reason}", other_seed=True)
    return value


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:  # noqa: ANN401  a protocol without a constructor's type
    from jsonschema.validators import validator_for  # noqa: PLC0415  slow to import

    content = json.loads(schema)
    return validator_for(content)(content)
