"""Slots of a round: with its candidates they add up, whatever a generator says of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.generators import slots
from pipelines.generators.slots import NOT_SAID, OTHERS, REASONS, Slots


def failed(section: dict[str, Any]) -> dict[str, int]:
    return {each["why"]: each["rows"] for each in section["failed"]}


@pytest.mark.parametrize(
    ("unmade", "expected"),
    [
        ({"too dark": 3}, {"too dark": 3}),
        ({"too dark": 1}, {"too dark": 1, NOT_SAID: 2}),
        ({}, {NOT_SAID: 3}),
        ({"too dark": 4}, {NOT_SAID: 3}),
        ({"too dark": 2, "odd": -1}, {"too dark": 2, NOT_SAID: 1}),
    ],
)
def test_reasons_are_as_many_as_rows_are_missing(
    unmade: dict[str, int], expected: dict[str, int]
) -> None:
    found = slots.section(Slots(planned=20, reached=13), 10, unmade, lost=4)
    assert (found["planned"], found["lost"], found["never_asked"]) == (20, 4, 3)
    assert failed(found) == expected
    assert 10 + 4 + 3 + sum(failed(found).values()) == 20


def test_many_and_long_reasons_are_bounded_and_none_is_lost() -> None:
    unmade = {f"{number:03d} {'x' * 9000}": 1 for number in range(REASONS + 5)}
    found = failed(slots.section(Slots(99, 99), 99 - len(unmade), unmade, lost=0))
    assert len(found) == REASONS + 1
    assert found[OTHERS] == 5
    assert max(map(len, found)) < 5000


def test_candidates_that_were_taken_down_are_not_told_as_rows_without_a_candidate() -> None:
    found = slots.section(Slots(planned=24, reached=24), 20, {"too dark": 2}, lost=0, denied=2)
    assert failed(found) == {"too dark": 2}
    assert failed(slots.section(Slots(24, 24), 22, {}, lost=0, denied=2)) == {}
