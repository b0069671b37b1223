"""Splits with few of the rows that were asked for are said, with the reason and a remedy."""

from __future__ import annotations

import pytest

from pipelines.rounds import split_checks
from pipelines.rounds.ingest_report import Groups

SHARES = {"validation": 0.25, "test": 0.15}


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"train": 180, "validation": 75, "test": 45}, ""),
        ({"train": 239, "validation": 38, "test": 23}, ""),
        ({"train": 280, "validation": 13, "test": 7}, "validation has 13 of 75, test has 7 of 45"),
        ({"train": 225, "validation": 75}, "(test has 0 of 45)"),
    ],
)
def test_a_split_of_under_half_of_what_was_asked_for(sizes: dict[str, int], said: str) -> None:
    told = split_checks.uneven(sizes, SHARES, Groups(45, 4, 252))
    assert said in told
    assert bool(told) == bool(said)
    if said:
        assert "the largest of 252; lower ingest.near" in told


def test_a_split_that_nobody_asked_for_is_not_missed() -> None:
    assert not split_checks.uneven(
        {"train": 75, "validation": 25}, {"validation": 0.25, "test": 0.0}, Groups(100, 0, 1)
    )
