"""Records of reviews: what they may say, and that what was altered is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.common.errors import DataError
from pipelines.common.settings import strictly
from pipelines.reviewing import record as records
from pipelines.reviewing.decisions import of_records
from pipelines.reviewing.record import ReviewRecord
from pipelines.rounds.record_branch import Kept

SAMPLE = "ab" * 32


def made(**changes: Any) -> ReviewRecord:
    content: dict[str, Any] = {
        "dataset": "d",
        "round": 3,
        "line": "main",
        "action": "accept",
        "rows": [{"row": 7, "sample_id": SAMPLE}],
        "reason": "it is clear",
        "created": 5,
        "seen": "c" * 64,
    }
    return strictly(ReviewRecord, content | changes)


def kept(reviewer: str, action: str, row: int = 7, **changes: Any) -> Kept[ReviewRecord]:
    rows = [{"row": row, "sample_id": SAMPLE}]
    return Kept(made(action=action, rows=rows, **changes), "d-r003/1.json", "1", reviewer, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": " "},
        {"reason": "x" * 2001},
        {"reason": "red \x1b[31m"},
        {"reason": "right \u202e left"},
        {"action": "praise"},
        {"action": "relabel"},
        {"action": "relabel", "label": "a\nb"},
        {"action": "relabel", "label": ""},
        {"label": "3"},
        {"action": "correct"},
        {"texts": {"text": "new"}},
        {"action": "reject", "label": "3"},
        {
            "action": "relabel",
            "label": "3",
            "texts": {"text": "new"},
            "rows": [{"row": row, "sample_id": SAMPLE} for row in (1, 2)],
        },
        {"action": "correct", "texts": {"text": "x" * 1_000_001}},
        {"rows": []},
        {"rows": [{"row": -1, "sample_id": SAMPLE}]},
        {"rows": [{"row": 1, "sample_id": "ab"}]},
        {"rows": [{"row": 1, "sample_id": SAMPLE}] * 2},
        {"dataset": "../d"},
        {"line": "a/b"},
        {"reviewer": "a\u0000b"},
        {"round": 0},
        {"more": 1},
    ],
)
def test_a_record_says_nothing_else(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(**changes)


def test_a_record_is_read_as_it_was_written_and_not_when_it_was_altered() -> None:
    record = made(action="relabel", label="drei", where="label = 2", reviewer="Ada")
    data, path = records.encoded(record), records.place(record)
    assert path.startswith("d-r003/")
    assert records.parse(data, path) == record
    other = json.dumps(json.loads(data) | {"label": "vier"}).encode()
    for altered in (other, data + b" ", b"{}", b"\xff"):
        with pytest.raises(DataError):
            records.parse(altered, path)
    with pytest.raises(DataError, match="was altered"):
        records.parse(data, "d-r003/0123456789abcdef.json")


@pytest.mark.parametrize("action", ["relabel", "correct"])
def test_a_record_holds_a_label_and_texts_together(action: str) -> None:
    record = made(action=action, label="drei", texts={"text": "new"})
    assert records.parse(records.encoded(record), records.place(record)) == record


def test_the_last_decision_on_a_sample_counts_and_all_stay() -> None:
    found = of_records(
        [
            kept("ada", "reject"),
            kept("bob", "relabel", label="2"),
            kept("ada", "reject", row=8),
            kept("bob", "withdraw", row=8),
        ]
    )
    told = found.table.select("row", "action", "reviewer", "applied").rows()
    assert told == [
        (7, "reject", "ada", False),
        (7, "relabel", "bob", True),
        (8, "reject", "ada", False),
        (8, "withdraw", "bob", False),
    ]
    assert found.applied["row"].to_list() == [7]


def test_decisions_about_other_candidates_are_left_out() -> None:
    found = of_records([kept("ada", "reject"), kept("bob", "reject", row=8)])
    candidates = found.table.select("row", "sample_id")[:1]
    assert found.about(candidates).table["row"].to_list() == [7]
