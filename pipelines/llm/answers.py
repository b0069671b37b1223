"""From the bytes of an answer to a text, or to a value under the request's schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from lake import documents
from pipelines.common.errors import ParamsError
from pipelines.llm import answer_text
from pipelines.llm.attempt_error import FINAL, UNPAID, AttemptError
from pipelines.llm.values import Request, Usage

MAX_TOKENS: Final = 1 << 40
"""Tokens that one answer may count; a larger number is taken for none."""
CUT: Final = "length"
FILTERED: Final = "content_filter"
"""Reasons why an answer ended."""
REMEDIES: Final = {CUT: ", cut off at max_tokens; raise max_tokens where this is frequent"}
MAX_BROKEN: Final = 1 << 16
"""Characters of a broken answer that are kept."""
MAX_QUOTED: Final = 200
"""Characters of a server's own words in a reason."""


class Answer(NamedTuple):
    """The answer of a service to one attempt."""

    text: str
    parsed: Any
    model: str
    usage: Usage
    finish_reason: str


def read(data: bytes, request: Request) -> Answer:
    """Return the answer in the body of a 200.

    Raises:
        AttemptError: It is not JSON, holds an error, holds no answer, or the answer is not valid
            under the request's schema; with the tokens that were counted.
    """
    body = content(data)
    usage = _usage(body)
    try:
        choice = _choice(body)
        finish_reason = str(choice.get("finish_reason") or "")[:MAX_QUOTED]
        text = _text(choice, finish_reason)
        parsed = _parsed(text, request.schema, finish_reason)
    except AttemptError as error:
        raise error.billed(usage) from None
    model = str(body.get("model") or request.model)[:MAX_QUOTED]
    return Answer(text, parsed, model, usage, finish_reason)


def content(data: bytes) -> dict[str, Any]:
    """Return the JSON object in the body of a 200.

    Raises:
        AttemptError: It is none, or holds an error.
    """
    try:
        body = documents.parse_json(data, strict=False)
    except ValueError:
        raise AttemptError("the service answered with something that is not JSON") from None
    if not isinstance(body, dict):
        raise AttemptError("the service answered with JSON that is no object")
    _check_error(body)
    return body


def check_schema(schema: Mapping[str, Any]) -> None:
    """Check that a schema is a JSON schema.

    Raises:
        ParamsError: It is none.
    """
    reason = _schema_error(json.dumps(schema, sort_keys=True))
    if reason is not None:
        raise ParamsError(f"the schema of a request is no JSON schema: {reason}")


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
    fatal = isinstance(code, str) and code.lower() in UNPAID
    retryable = not fatal and (not isinstance(code, int) or code not in FINAL)
    reason = message(body) or documents.one_line(str(code))
    raise AttemptError(
        f"the service answered 200 with an error: {reason}", retryable=retryable, fatal=fatal
    )


def _usage(body: Mapping[str, Any]) -> Usage:
    """Tokens in and out, as the service counted them; unknown where one of the counts is none."""
    usage = body.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    tokens = [_count(counts.get(name)) for name in ("prompt_tokens", "completion_tokens")]
    return Usage(tokens[0] or 0, tokens[1] or 0, known=None not in tokens)


def _count(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_TOKENS else None


def _choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise AttemptError("the service answered without choices")
    return choices[0]


def _text(choice: Mapping[str, Any], finish_reason: str) -> str:
    """The text of a completion or of a chat message.

    Raises:
        AttemptError: There is none, or it was held back.
    """
    source = choice.get("message", choice)
    if not isinstance(source, Mapping):
        raise AttemptError("the service answered without a message")
    if source.get("refusal"):
        raise AttemptError(f"the model refused: {message(source['refusal'])}", retryable=False)
    if finish_reason == FILTERED:
        raise AttemptError("the service's content filter held the answer back", retryable=False)
    text = _written(source.get("content", source.get("text"))) or _called(source)
    if finish_reason == CUT and not (text or "").strip():
        raise AttemptError(
            "the answer was cut off at max_tokens before its first word; raise max_tokens",
            retryable=False,
        )
    if text is None:
        raise AttemptError("the service answered without a text")
    return text


def _written(content: object) -> str | None:
    """The text of a message's content: itself, or its parts of texts joined."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if texts else None


def _called(source: Mapping[str, Any]) -> str | None:
    """The arguments of the only function that a message calls."""
    calls = source.get("tool_calls")
    if not isinstance(calls, list) or len(calls) != 1 or not isinstance(calls[0], Mapping):
        return _written(source.get("content", source.get("text")))
    function = calls[0].get("function")
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    return arguments if isinstance(arguments, str) else None


def _parsed(text: str, schema: Mapping[str, Any] | None, finish_reason: str) -> Any:  # noqa: ANN401  JSON
    """The JSON value of a text, valid under the schema; None where there is no schema."""
    if schema is None:
        return None
    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        value = documents.parse_json(text, strict=False)
        reason = _violation(validator, value)
    except ValueError:
        value, reason = None, f"the answer is not JSON{REMEDIES.get(finish_reason, '')}"
    if reason is None:
        return value
    values = answer_text.found(text, lambda each: _violation(validator, each) is None)
    if len(values) == 1:
        return values[0]
    if values:
        reason = f"the answer holds {len(values)} different JSON values under its schema"
    error = AttemptError(reason, other_seed=True)
    error.text = text[:MAX_BROKEN]
    raise error


def _violation(validator: Any, value: Any) -> str | None:  # noqa: ANN401  as `_validator`
    """Why a value is not valid under a schema; None where it is."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415  slow to import

    try:
        violation = best_match(validator.iter_errors(value))
    except (ArithmeticError, ValueError, RecursionError):  # NaN, or a number beyond all floats
        return "the answer holds a number that is not finite"
    if violation is None:
        return None
    return f"the answer breaks its schema: {violation.message[:MAX_QUOTED]}"


@lru_cache(maxsize=64)
def _schema_error(schema: str) -> str | None:
    """Why a schema is none; each one is looked at once, since that takes half a millisecond."""
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415  slow to import

    try:
        _validator(schema).check_schema(json.loads(schema))
    except SchemaError as error:
        return error.message
    return None


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:  # noqa: ANN401  a protocol without a constructor's type
    from jsonschema.validators import validator_for  # noqa: PLC0415  slow to import

    content = json.loads(schema)
    return validator_for(content)(content)
