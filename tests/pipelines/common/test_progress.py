from __future__ import annotations

import io
import itertools
import sys

import pytest

from pipelines.common import progress


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (3000, "fit: 3,000 steps take about 8 min if this machine stays as busy\n"),
        (300, ""),
        (5, ""),
    ],
)
def test_long_work_says_beforehand_how_long_it_is(
    count: int, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "track", lambda items, _: iter(items))
    clock = itertools.count(step=0.16 * len(progress.TIMED))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(progress.announced(range(count), "fit", "steps")) == list(range(count))
    assert capsys.readouterr().err == expected


def test_where_there_is_no_terminal_lines_hold_no_control_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    monkeypatch.setattr(sys, "stderr", out)
    assert list(progress.track(range(2), "work \x1b")) == [0, 1]
    said = out.getvalue()
    assert said.endswith("work \\u{1b}: 2 of 2 in 00:00\n")
    assert all(line.isprintable() and line for line in said.splitlines())
