"""Rows as conversations: a column of messages, or a question and its answer, as trainers read them.

The form is that of OpenAI's fine-tuning files and of TRL's conversational data sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pipelines.common.errors import DataError
from pipelines.inquiry.exports.rows import Source, origin

MESSAGES: Final = "messages"
PAIRS: Final = (
    ("prompt", "completion"),
    ("question", "answer"),
    ("instruction", "response"),
    ("instruction", "output"),
    ("input", "output"),
)
"""Names of a question's column and its answer's."""
EMPTY: Final = "rows_without_answer"

Message = dict[str, Any]


def records(source: Source, left_out: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield each accepted row as an object with `messages`."""
    for question, answer, row in accepted(source, left_out):
        yield {MESSAGES: [*question, *answer], "stemma": row}


def accepted(
    source: Source, left_out: Counter[str]
) -> Iterator[tuple[list[Message], list[Message], dict[str, Any]]]:
    """Yield question, answer and origin of each accepted row; count those that lack one of them."""
    for frame in source.accepted():
        for row in frame.iter_rows(named=True):
            found = messages(source.dataset, row)
            if found is None:
                left_out[EMPTY] += 1
                continue
            yield *found, origin(source.dataset, row)


def messages(dataset: str, row: dict[str, Any]) -> tuple[list[Message], list[Message]] | None:
    """Return a row as the messages of a question and those of its answer; None: one is empty.

    Raises:
        DataError: no columns of the row are known to be these.
    """
    if isinstance(row.get(MESSAGES), list):
        return _split(row[MESSAGES])
    asked, answered = _pair(dataset, list(row))
    if any(row[name] is None or row[name] == "" for name in (asked, answered)):
        return None
    user = {"role": "user", "content": str(row[asked])}
    return [user], [{"role": "assistant", "content": str(row[answered])}]


def _split(chat: Sequence[Message]) -> tuple[list[Message], list[Message]] | None:
    """Split a chat before its last message, which must be the assistant's."""
    whole = [{name: value for name, value in each.items() if value is not None} for each in chat]
    if len(whole) < 2 or whole[-1].get("role") != "assistant":  # noqa: PLR2004  a question too
        return None
    return whole[:-1], whole[-1:]


def _pair(dataset: str, columns: Sequence[str]) -> tuple[str, str]:
    for pair in PAIRS:
        if set(pair) <= set(columns):
            return pair
    known = ", ".join("/".join(pair) for pair in PAIRS)
    raise DataError(
        f"{dataset} has no column {MESSAGES!r}, and no two columns that are a question and its "
        f"answer ({known}); export it as jsonl"
    )
