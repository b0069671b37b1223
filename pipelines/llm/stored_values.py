"""What stands in a cell of the answers' database, checked: anybody may have written the file."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from lake import documents
from lake.documents import DocumentError
from pipelines.llm.values import Reply


@dataclass(frozen=True, slots=True)
class Spent:
    """The cost of the broken answers to a request."""

    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = 0.0


class BrokenAnswer(NamedTuple):
    """What was answered to a request and is no value under its schema."""

    reason: str
    text: str


def reply(digest: str, text: object) -> Reply:
    """Read a stored answer; each value is checked, since anybody may have written the file.

    Raises:
        sqlite3.DataError: It is damaged.
    """
    try:
        found = Reply(**_json(text), cached=True)
    except TypeError:
        raise sqlite3.DataError(f"the answer to {digest[:12]} is damaged") from None
    texts = (found.digest, found.text, found.model, found.finish_reason)
    counts = (found.tokens_in, found.tokens_out, found.attempts)
    sound = (
        found.digest == digest
        and all(isinstance(value, str) for value in texts)
        and all(type(count) is int and count >= 0 for count in counts)
        and (found.seed is None or type(found.seed) is int)
        and _is_amount(found.dollars)
        and found.seconds is not None
        and _is_amount(found.seconds)
    )
    if not sound:
        raise sqlite3.DataError(f"the answer to {digest[:12]} is damaged")
    return found


def spent(tokens_in: object, tokens_out: object, dollars: object) -> Spent:
    """Read the stored cost of broken answers.

    Raises:
        sqlite3.DataError: It is damaged.
    """
    if type(tokens_in) is int and type(tokens_out) is int and _is_amount(dollars):
        return Spent(tokens_in, tokens_out, dollars)
    raise sqlite3.DataError("the cost of broken answers is damaged")


def listed(batch: object, digests: object) -> tuple[str, ...]:
    """Read the stored digests of a batch.

    Raises:
        sqlite3.DataError: They are damaged.
    """
    names = _json(digests)
    sound = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not sound or not isinstance(batch, str | None):
        raise sqlite3.DataError("the record of a batch is damaged")
    return tuple(names)


def _is_amount(value: object) -> TypeGuard[float | None]:
    """Whether a value can be dollars or seconds: None, or a finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        return False
    return value is None or 0 <= value < math.inf


def _json(text: object) -> Any:  # noqa: ANN401  JSON
    """The JSON value of a cell; None where it is no JSON."""
    try:
        return documents.parse_json(text, strict=False) if isinstance(text, str) else None
    except DocumentError:
        return None
