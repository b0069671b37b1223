"""Edited samples hold what their records make of their candidates, and nothing else."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from lineage.review_decisions import REVIEWED
from pipelines.inquiry import reviews_again

BEFORE = {"round": 1, "row": 7, "sample_id": b"x", "text": "a", "stars": 1.0, "more": "m"}
MADE = {**BEFORE, "row": 24, "sample_id": b"y"}


def found(changes: dict[str, Any], label: str | None, texts: dict[str, str]) -> list[str]:
    samples = pl.DataFrame([MADE | changes])
    blank = dict.fromkeys(REVIEWED.names())
    row = blank | {"row": 7, "edited_row": 24, "label": label, "record": "r"}
    reviewed = pl.DataFrame([row], schema=REVIEWED)
    again = reviews_again.made_otherwise(samples, pl.DataFrame([BEFORE]), reviewed, {"r": texts})
    return [each["detail"].split()[2] for each in again]


@pytest.mark.parametrize(
    ("changes", "label", "texts", "wrong"),
    [
        ({"text": "b"}, None, {"text": "b"}, []),
        ({"text": "b", "stars": 3.0}, "3", {"text": "b"}, []),
        ({"stars": 3.0}, "3", {}, []),
        ({}, "1", {}, []),
        ({"text": "c"}, None, {"text": "b"}, ["text"]),
        ({}, None, {"text": "b"}, ["text"]),
        ({"text": "b", "more": "n"}, None, {"text": "b"}, ["more"]),
        ({"text": "b", "stars": 3.0}, None, {"text": "b"}, ["stars"]),
        ({"stars": 4.0}, "3", {}, ["stars"]),
        ({"more": "3", "stars": 3.0}, "3", {}, ["stars"]),
        ({}, "3", {}, ["label"]),
    ],
)
def test_a_column_that_no_record_explains_is_found(
    changes: dict[str, Any], label: str | None, texts: dict[str, str], wrong: list[str]
) -> None:
    assert found(changes, label, texts) == wrong


def test_a_sample_that_was_not_accepted_has_no_payload_to_hold() -> None:
    none = pl.DataFrame([MADE]).clear()
    reviewed = REVIEWED.to_frame()
    assert not list(reviews_again.made_otherwise(none, pl.DataFrame([BEFORE]), reviewed, {}))


def test_a_column_without_a_number_is_equal_to_itself() -> None:
    nan = {"stars": float("nan")}
    samples = pl.DataFrame([MADE | {"text": "b"} | nan])
    row = dict.fromkeys(REVIEWED.names()) | {"row": 7, "edited_row": 24, "record": "r"}
    reviewed = pl.DataFrame([row], schema=REVIEWED)
    before, texts = pl.DataFrame([BEFORE | nan]), {"r": {"text": "b"}}
    assert not list(reviews_again.made_otherwise(samples, before, reviewed, texts))
