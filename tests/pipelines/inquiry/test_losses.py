"""An account of rows that does not add up says which numbers do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.inquiry.losses import of_rounds
from pipelines.inquiry.losses.endings import (
    ACCEPTED,
    FAILED,
    REJECTED,
    SUPERSEDED,
    Ending,
    RoundLosses,
    VersionBefore,
)

WHOLE = RoundLosses(
    dataset="tiny",
    round=1,
    commit="0123456789abcdef",
    state="published",
    planned=10,
    made=8,
    unmade=(Ending(FAILED, 2, "generate", "too dark"),),
    judged=(Ending(REJECTED, 3, "curate", "blurred"), Ending(ACCEPTED, 5)),
    before=VersionBefore("ab", 7, (Ending(ACCEPTED, 4), Ending(SUPERSEDED, 3))),
)


def test_an_account_that_adds_up_is_in_the_order_of_outcomes() -> None:
    assert WHOLE.fault() is None
    assert WHOLE.by_outcome() == {ACCEPTED: 5, REJECTED: 3, FAILED: 2}
    assert [each.outcome for each in WHOLE.endings] == [ACCEPTED, REJECTED, FAILED]
    assert replace(WHOLE, planned=None).fault() is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"planned": 11}, "planned 11 rows, and 10 are accounted for"),
        ({"made": 9}, "has 9 candidates, and 8 are accounted for"),
        ({"before": VersionBefore("ab", 8, (Ending(ACCEPTED, 7),))}, "main held 8 rows before"),
    ],
)
def test_what_does_not_add_up_is_said(changes: dict[str, Any], said: str) -> None:
    fault = replace(WHOLE, **changes).fault()
    assert fault is not None
    assert said in fault


def test_facts_of_an_earlier_release_are_read_where_they_are_numbers() -> None:
    facts = {"failed": 2, "unfit": "many", "filtered": [3, 4], "lost_shards": [7]}
    found = [each for each in of_rounds._of_earlier_release(facts) if each.rows]
    assert [(each.rows, each.reason) for each in found] == [
        (2, "requests failed"),
        (2, "the filter of the pipeline refused the image"),
    ]
