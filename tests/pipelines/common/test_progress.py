from __future__ import annotations

import itertools

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
