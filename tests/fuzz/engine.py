"""What a fuzz target is: a reader, hostile inputs for it, and what must hold for each of them.

A reader gives the value of an input or refuses it by an error of this project: one line of bounded
length, within bounded time and memory. Anything else that it does is a finding. A target whose
inputs are all accepted, or all refused, or refused for one reason only, proves little, and fails
too.

`STEMMA_FUZZ_EXAMPLES` says how many inputs a target tries. Few are the same ones in every run, so
that an ordinary test run does not hang on chance; more than that are drawn afresh in each.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, currently_in_test_context, event, given, settings
from hypothesis import strategies as st

from expectations.errors import ExpectationsError
from lake.errors import LakeError
from lake.visible import visible
from lineage.errors import LineageError
from pipelines.common.errors import PipelineError
from review.errors import ReviewError

FEW: Final = 40
"""Inputs of a target where nothing else is asked for."""
LEAST: Final = 15
"""Inputs of a target that takes long for each."""
EXAMPLES: Final = int(os.environ.get("STEMMA_FUZZ_EXAMPLES") or FEW)
MANY: Final = EXAMPLES > FEW
SECONDS: Final = 10.0
"""Processor time that one input may take, of all threads together; each takes a fraction of it."""
MEMORY: Final = 256 << 20
"""Bytes that the process may grow by while one input is read."""
SAID: Final = 1100
"""Characters of a message."""
OURS: Final = (ReviewError, PipelineError, ExpectationsError, LineageError, LakeError)
"""The roots of this project's errors."""
STATUS: Final = Path("/proc/self/status")
PEAK: Final = Path("/proc/self/clear_refs")
_VARYING: Final = re.compile(r"""'[^']*'|"[^"]*"|\S*/\S*|\b[0-9a-f]{12,}\b|\d[\d,.]*""")
"""What differs between two messages that give one reason."""

settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    deadline=None,  # processor time is bounded instead: this machine may be busy
    derandomize=not MANY,
    database=None,
    phases=[Phase.explicit, Phase.generate, *([Phase.target, Phase.shrink] if MANY else [])],
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
FUZZ: Final = settings.get_profile("fuzz")

Body = Callable[..., object]


class TookTooLongError(Exception):
    """An input takes too much of the processor."""


@dataclass
class Session:
    """What came of the inputs of one target."""

    errors: tuple[type[BaseException], ...] = OURS
    memory: int = MEMORY
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By reason."""

    def tries(self, read: Callable[[], object]) -> None:
        """Let a reader read one input; a value of None counts as refused."""
        value, error = None, None
        with bounded(self.memory):
            try:
                value = read()
            except self.errors as caught:
                error = caught
        if error is not None:
            self._refuses(error)
        elif value is None:
            self._counts("None")
        else:
            self.accepted += 1
            _told("accepted")

    def reached(self, reasons: int) -> None:
        """Make sure that inputs of all kinds occurred.

        Args:
            reasons: for at least so many different ones inputs were refused.
        """
        assert self.accepted, f"no input is accepted; refused: {dict(self.refused)}"
        assert len(self.refused) >= reasons, f"refused for few reasons: {dict(self.refused)}"

    def _refuses(self, error: BaseException) -> None:
        said = str(error)
        assert said.strip(), f"{type(error).__name__} says nothing"
        assert len(said) <= SAID, f"{type(error).__name__} says {len(said):,} characters"
        assert visible(said).isprintable(), f"{type(error).__name__} is not shown on one line"
        self._counts(f"{type(error).__name__}: {_VARYING.sub('…', said)[:100]}")

    def _counts(self, reason: str) -> None:
        self.refused[reason] += 1
        _told(f"refused: {reason}")


def _told(what: str) -> None:
    """Have Hypothesis count what came of an input (`--hypothesis-show-statistics`)."""
    if currently_in_test_context():
        event(what)


def fuzzed(
    inputs: st.SearchStrategy[Any],
    *,
    errors: tuple[type[BaseException], ...] = OURS,
    reasons: int = 2,
    memory: int = MEMORY,
    fixture: str | None = None,
    cost: int = 1,
) -> Callable[[Body], Callable[..., None]]:
    """Make a test of a function that has an input read and checks the value.

    The function runs in a folder of its own.

    Args:
        inputs: what the function is called with.
        errors: by which a reader refuses.
        reasons: for at least so many different ones inputs must be refused.
        memory: bytes that the process may grow by while one input is read.
        fixture: whose value it is called with besides.
        cost: how many times as long an input takes as those of most targets; so many times fewer
            are tried.
    """

    def made(body: Body) -> Callable[..., None]:
        def test(
            tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
        ) -> None:
            monkeypatch.chdir(tmp_path)
            more = [request.getfixturevalue(fixture)] if fixture else []
            session = Session(errors, memory)

            def one(content: Any) -> None:
                session.tries(lambda: body(content, *more))

            one.__name__ = one.__qualname__ = body.__name__  # seeds differ by it
            fewer = settings(FUZZ, max_examples=max(LEAST, EXAMPLES // cost))
            fewer(given(inputs)(one))()
            session.reached(reasons)

        test.__name__ = test.__qualname__ = body.__name__
        test.__module__, test.__doc__ = body.__module__, body.__doc__
        return pytest.mark.filterwarnings("ignore:Generating overly large repr")(test)

    return made


@contextmanager
def bounded(memory: int = MEMORY) -> Iterator[None]:
    """Fail when what is done inside takes too much time or memory."""
    before = _resident()
    started = time.process_time()
    with _ended_after(2 * SECONDS):
        yield
    taken = time.process_time() - started
    assert taken <= SECONDS, f"reading takes {taken:.1f} s of the processor"
    grown = 0 if before is None else _status("VmHWM") - before
    assert grown <= memory, f"reading takes {grown:,} bytes"


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """End what never ends, where a signal can reach it."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLongError(f"reading takes more than {seconds:g} s of the processor")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _resident() -> int | None:
    """Bytes of this process in memory, from which its peak counts again; None: nobody tells."""
    try:
        PEAK.write_text("5", encoding="ascii")
    except OSError:
        return None
    return _status("VmRSS")


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None
    return int(found[1]) << 10
