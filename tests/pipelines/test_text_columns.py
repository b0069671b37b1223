"""Typed columns beside texts: chats, numbers, lists and objects are content, and shown as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import DataError
from pipelines.modalities.registry import MODALITIES
from pipelines.sources import read

ROWS = [
    {
        "messages": [
            {"role": "user", "content": "How many legs has an ant?"},
            {"role": "assistant", "content": "Six."},
        ],
        "score": 1.5,
        "tags": ["short", 'said "so"'],
        "meta": {"id": 7, "seen": None},
    },
    {
        "messages": [{"role": "user", "content": "Say\nnothing"}],
        "score": None,
        "tags": [],
        "meta": {"id": 8, "seen": True},
    },
]
NAMES = ("messages", "score", "tags", "meta")


def texts(*identity: str) -> Any:
    return MODALITIES.load("text", identity)


def test_each_type_has_a_form_as_text(tmp_path: Path) -> None:
    place = tmp_path / "chats.jsonl"
    pl.DataFrame(ROWS).write_ndjson(place)
    found = read.read(str(place), texts(*NAMES)).frame
    assert found.columns == list(NAMES)
    assert texts(*NAMES).shown(found)["text"].to_list() == [
        (
            "[user] How many legs has an ant?\n[assistant] Six.\n1.5\n"
            '["short","said \\"so\\""]\n{"id":7,"seen":null}'
        ),
        '[user] Say\nnothing\nnull\n[]\n{"id":8,"seen":true}',
    ]
    assert sample_ids(found, NAMES).n_unique() == 2
    changed = found.with_columns(pl.Series("tags", [["short"], []]))
    assert sample_ids(changed, NAMES)[0] != sample_ids(found, NAMES)[0]
    assert sample_ids(changed, NAMES)[1] == sample_ids(found, NAMES)[1]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1, 2], "'text' is Int64; one column must hold texts, or chats"),
        ([["a"], ["b"]], r"'text' is List\(String\); one column must hold texts"),
        ([b"a", b"b"], "'text' is Binary, which has no form as text"),
        ([[b"a"], [b"b"]], r"'text' is List\(Binary\), which has no form as text"),
    ],
)
def test_a_column_of_texts_or_chats_is_needed(values: list[Any], why: str) -> None:
    with pytest.raises(DataError, match=why):
        texts("text").typed("x", pl.DataFrame({"text": values}))


def test_a_chat_without_a_word_is_no_text() -> None:
    empty = pl.Series("messages", [ROWS[0]["messages"], []])
    with pytest.raises(DataError, match="row 1 has no text"):
        texts("messages").typed("x", empty.to_frame())


def test_a_near_copy_of_a_chat_is_found() -> None:
    long = "Where do the ants of this garden go when it rains for a week?"
    chats = [
        [{"role": "user", "content": long}, {"role": "assistant", "content": answer}]
        for answer in ("Into their nest.", "Into their nests.", "Nobody has ever seen one.")
    ]
    frame = pl.DataFrame({"messages": chats})
    assert texts("messages").pairs(frame, 0.2).tolist() == [[0, 1]]
