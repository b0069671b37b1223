"""What an expectation said over rounds is told with what changed in between."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from pipelines.inquiry import expectation_history
from pipelines.inquiry.expectation_history import RoundVerdicts
from review.commands import expectation


def entry(passed: int, failed: int, unknown: int, least: float, **more: Any) -> dict[str, Any]:
    about = {"type": "between", "columns": ["score"], "severity": "warning", "level": "row"}
    counts = {"passed": passed, "failed": failed, "unknown": unknown}
    return about | counts | {"limits": {"min_value": least}} | more


SECTIONS = [
    {"suite": "a" * 64, "expectations": {"clear": entry(6, 3, 1, 0.5)}},
    {"suite": "b" * 64, "expectations": {"clear": entry(8, 2, 0, 0.5)}},
    {"suite": "c" * 64, "expectations": {}},
    {"suite": "d" * 64, "expectations": {"clear": entry(5, 5, 0, 0.7)}},
]


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[RoundVerdicts]:
    held = [(number, "main", "ab", section) for number, section in enumerate(SECTIONS, 1)]
    monkeypatch.setattr(expectation_history, "_verified", lambda *_: iter(held))
    return expectation_history.over_rounds(None, "digits", "clear")  # type: ignore[arg-type]


def test_counts_shares_and_changes_are_those_of_the_manifests(rounds: list[RoundVerdicts]) -> None:
    assert [each.judged for each in rounds] == [10, 10, 0, 10]
    assert [each.warned for each in rounds] == [4, 2, 0, 5]
    assert [each.share for each in rounds] == [0.6, 0.8, None, 0.5]
    assert [each.suite_changed for each in rounds] == [False, True, True, True]
    assert [each.changed for each in rounds] == [(), (), (), ("limits",)]


def test_what_changed_is_said_in_80_columns(rounds: list[RoundVerdicts]) -> None:
    out = Console(width=80, file=io.StringIO(), markup=False, emoji=False, highlight=False)
    for part in expectation._rendered("digits", "clear", rounds):
        out.print(part)
    told = out.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, told.splitlines())) <= 80
    assert "round 2: the suite changed to bbbbbbbbbbbb, this expectation did not" in told
    assert 'round 4: its limits changed; threshold then: {"min_value":0.7}' in told
    assert "round 3: the suite did not have it" in told
