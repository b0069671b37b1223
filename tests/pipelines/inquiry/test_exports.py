"""Rows as JSON lines, as chats and as preference pairs, with what was left out counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pytest

from lake.client import Lake
from lake.visible import escape_json
from lineage.export.values import untracked
from pipelines.common.errors import DataError
from pipelines.inquiry.exports import conversations, preferences, rows
from pipelines.inquiry.exports.registry import FORMATS
from pipelines.inquiry.exports.rows import RowDocument, Source
from review.cli.lineage import ExportFormat, LineageFormat


@dataclass(frozen=True, slots=True)
class Kept(Source):
    """A data set whose rows are given."""

    good: pl.DataFrame
    bad: pl.DataFrame

    def accepted(self) -> Iterator[pl.DataFrame]:
        yield rows._texts(self.good, self.dataset)

    def refused(self) -> Iterator[pl.DataFrame]:
        yield self.bad


def frame(content: list[dict[str, Any]], number: int = 1) -> pl.DataFrame:
    key = {"round": number}
    listed = [
        {**key, "row": row, "sample_id": bytes([number, row]) * 16, **each}
        for row, each in enumerate(content)
    ]
    return pl.DataFrame(listed, schema_overrides={"round": pl.Int32})


def source(good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> Kept:
    refused = frame(bad, 2) if bad else frame([]).clear()
    return Kept(Lake.__new__(Lake), "c" * 64, "talk", frame(good), refused)


def written(form: str, kept: Source) -> tuple[list[dict[str, Any]], dict[str, int]]:
    records = {
        "jsonl": rows.plain,
        "chat": conversations.records,
        "dpo": preferences.records,
    }[form]
    document = RowDocument([kept], records)
    lines = "".join(map(escape_json, document.chunks(untracked))).splitlines()
    return [json.loads(line) for line in lines], document.summary()


PAIRS = [
    {"prompt": "1+1?", "completion": "2"},
    {"prompt": "1+1?", "completion": "two"},
    {"prompt": "sky?", "completion": "blue\nline"},
]
WRONG = [
    {"prompt": "1+1?", "completion": "3", "reasons": ["answer_is_right"]},
    {"prompt": "1+1?", "completion": "4", "reasons": ["answer_is_right"]},
    {"prompt": "1+1?", "completion": "2", "reasons": ["too_short"]},
    {"prompt": "moon?", "completion": "cheese", "reasons": ["x"]},
    {"prompt": "sky?", "completion": "", "reasons": ["not_blank"]},
]


def test_each_accepted_row_is_a_line_that_names_its_sample() -> None:
    lines, summary = written("jsonl", source([*PAIRS, {"prompt": "\u2028", "completion": ""}], []))
    assert summary == {"lines": 4}
    assert lines[2]["completion"] == "blue\nline"
    assert lines[2]["stemma"] == {
        "sample_id": (bytes([1, 2]) * 16).hex(),
        "dataset": "talk",
        "round": 1,
        "row": 2,
    }
    assert lines[3]["prompt"] == "\u2028"


def test_dates_and_lists_are_json_and_bytes_are_refused() -> None:
    (line,), _ = written("jsonl", source([{"day": date(2026, 1, 2), "tags": ["a", "b"]}], []))
    assert (line["day"], line["tags"]) == ("2026-01-02", ["a", "b"])
    with pytest.raises(DataError, match="talk holds bytes in 'image'"):
        written("jsonl", source([{"image": b"\x89PNG"}], []))


def test_a_question_and_its_answer_are_messages() -> None:
    lines, summary = written("chat", source([*PAIRS, {"prompt": "x", "completion": ""}], []))
    assert lines[0]["messages"] == [
        {"role": "user", "content": "1+1?"},
        {"role": "assistant", "content": "2"},
    ]
    assert summary == {"lines": 3, "rows_without_answer": 1}
    with pytest.raises(DataError, match="talk has no column 'messages'"):
        written("chat", source([{"text": "alone"}], []))


def test_a_chat_stays_what_it_is_and_one_without_a_last_answer_is_counted() -> None:
    asked = {"role": "user", "content": "hi"}
    said = {"role": "assistant", "content": "hello"}
    content = [{"messages": [asked, said]}, {"messages": [asked]}]
    lines, summary = written("chat", source(content, []))
    assert lines[0]["messages"] == [asked, said]
    assert summary == {"lines": 1, "rows_without_answer": 1}


def test_a_refused_answer_is_paired_once_with_accepted_ones_in_turn() -> None:
    lines, summary = written("dpo", source(PAIRS, WRONG))
    assert [(each["chosen"][0]["content"], each["rejected"][0]["content"]) for each in lines] == [
        ("2", "3"),
        ("two", "4"),
    ]
    assert lines[0]["prompt"] == [{"role": "user", "content": "1+1?"}]
    assert lines[0]["stemma"]["reasons"] == ["answer_is_right"]
    assert lines[0]["stemma"]["rejected"]["row"] == 0
    assert summary == {
        "lines": 2,
        "refused_equal_to_accepted": 1,
        "refused_without_accepted_answer": 1,
        "rows_without_answer": 1,
    }


def test_nothing_is_refused_that_is_accepted_or_has_no_fault() -> None:
    good = [{"question": "1-1?", "answer": 0}, {"question": "1-1?", "answer": 1}]
    bad = [
        {"question": "1-1?", "answer": 1, "reasons": ["of_another_suite"]},
        {"question": "1-1?", "answer": 2, "reasons": ["max_accepted"]},
        {"question": "1-1?", "answer": 3, "reasons": ["max_accepted", "answer_is_right"]},
    ]
    (line,), summary = written("dpo", source(good, bad))
    assert (line["chosen"][0]["content"], line["rejected"][0]["content"]) == ("0", "3")
    assert summary == {
        "lines": 1,
        "refused_equal_to_accepted": 1,
        "refused_without_a_fault": 1,
    }


def test_a_column_of_the_users_is_neither_dropped_nor_written_over() -> None:
    (line,), _ = written("jsonl", source([{"text": "a", "reasons": "because"}], []))
    assert line["reasons"] == "because"
    with pytest.raises(DataError, match="talk has a column 'stemma'"):
        written("jsonl", source([{"stemma": "mine"}], []))


def test_the_command_line_knows_the_formats_of_the_registry() -> None:
    assert [each.value for each in ExportFormat] == list(FORMATS)
    lineage = [name for name, each in FORMATS.items() if each.lineage]
    assert [each.value for each in LineageFormat] == lineage
    assert lineage == ["prov", "croissant"]
