"""Trying again: as long as allowed, and without a word on a terminal."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lake.polling import repeat, until

ROOT = Path(__file__).resolve().parents[2]


class Flaky:
    """Fails so many times, and then counts its calls."""

    def __init__(self, failures: int, error: type[Exception] = OSError) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"call {self.calls}")
        return self.calls


def test_a_call_is_made_until_it_returns() -> None:
    assert repeat(Flaky(3), on=OSError, interval=0.001, timeout=30) == 4


def test_another_error_is_raised_at_once() -> None:
    flaky = Flaky(3, ValueError)
    with pytest.raises(ValueError, match="call 1"):
        repeat(flaky, on=lambda error: isinstance(error, OSError), interval=0.001, timeout=30)
    assert flaky.calls == 1


def test_the_last_error_is_raised_after_the_last_attempt() -> None:
    flaky = Flaky(9)
    with pytest.raises(OSError, match="call 3"):
        repeat(flaky, on=OSError, interval=0, attempts=3)
    assert flaky.calls == 3


def test_the_last_error_is_raised_when_the_time_is_over() -> None:
    flaky = Flaky(10_000)
    with pytest.raises(OSError, match=r"call \d+"):
        repeat(flaky, on=OSError, interval=0.01, timeout=0.1)
    assert 1 < flaky.calls <= 11


def test_a_condition_is_waited_for_and_given_up() -> None:
    start = time.monotonic()
    assert until(lambda: time.monotonic() > start + 0.05, interval=0.01)
    assert not until(lambda: False, interval=0.01, timeout=0.05)


def test_without_time_a_condition_is_asked_once() -> None:
    calls: list[int] = []
    assert not until(lambda: calls.append(1), interval=1, timeout=0)
    assert calls == [1]


def test_trying_again_writes_nothing_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    assert repeat(Flaky(2), on=OSError, interval=0, attempts=3) == 3
    assert not caplog.records


def test_trying_again_writes_nothing_on_a_terminal() -> None:
    code = (
        "from lake.polling import until; print(until(lambda: False, interval=0.01, timeout=0.05))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
