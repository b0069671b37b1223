"""What events say of addresses and limits: nothing of users, and no values of rows."""

from __future__ import annotations

import pytest

from pipelines.lineage_events import collecting, events, outcomes
from pipelines.params import Dataset, Ingest


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://me:hush@example.org/a.git", "https://example.org/a.git"),
        ("ssh://me@example.org:22/a.git", "ssh://example.org:22/a.git"),
        ("me@example.org:team/a.git", "example.org:team/a.git"),
        ("example.org:team/a@b.git", "example.org:team/a@b.git"),
        ("/srv/me@home/a:b.git", "/srv/me@home/a:b.git"),
    ],
)
def test_a_remote_is_told_without_user(address: str, expected: str) -> None:
    assert events._without_user(address) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("data/what? #2.csv", "data/what? #2.csv"),
        ("https://me:hush@example.org/a.csv?key=1#x", "https://example.org/a.csv"),
    ],
)
def test_a_source_is_a_path_or_an_address(source: str, expected: str) -> None:
    settings = Dataset(identity=("text",), ingest=Ingest(source=source))
    assert collecting._source(settings).place.name == expected


def test_limits_quote_no_values() -> None:
    limits = {"min_value": 0.5, "strict": True, "value_set": ["Ada", "Bob"], "regex": "^Ada"}
    told = outcomes._assertion("words", {"type": "expect_x", "limits": limits})
    assert told.expected == "min_value 0.5, strict True, value_set (2 values), regex (a text)"
