"""Does a program pass its tests?

It has to pass twice. First its tests run in one process with it, as they would anywhere: what fails
there fails. A program can forge a pass there, so the tests then run in another sandbox than the
program, which meet over two pipes: they call it from a process that it cannot reach, and compare
there what it answers. What passes in one process alone is not judged: it is forged, or the tests do
what cannot be done from another process. See `inside` for how, and docs/security.md for what that
holds and what it does not.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from pipelines.sandbox import inside, isolation, loader
from pipelines.sandbox.inside.remote import ENDED
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.run import Finished, Process, require, started, tail, wait
from pipelines.sandbox.secrets import scrubbed

REPORT: Final = 1 << 16
"""Bytes of a report that are read."""
LONGEST: Final = 400
"""Characters of a message that are kept."""
LARGEST: Final = 8 << 20
"""Characters of a program, or of tests, that are read."""
RESULTS: Final = frozenset(
    {"passed", "failed", "unjudged", "memory", "processes", "files", "file size", "network"}
)
"""What a report may say."""
SETTLE: Final = 1.0
"""Seconds in which a process that has ended is known to have."""
SAME_PROCESS: Final = "same process"
"""Detail of a candidate that passed in the process of its own program alone."""
ALONE: Final = "it passes only in its own process, where a pass can be forged; apart"
"""How the message of such a candidate begins."""
BOM: Final = "\ufeff"
PYTEST: Final = re.compile(
    r"\bpytest\b|^(async )?def (setup_|test\w*\(\s*[\w*])|^class Test\w*\s*(\(\s*\))?:",
    re.MULTILINE,
)
"""What tests have that pytest has to run, and seldom others."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program did."""

    result: str
    """passed; failed; unjudged (there is nothing that could tell whether it is right); or the limit
    that stopped it: time, processor, memory, processes, files (a write outside its folder), file
    size, file count, network."""
    says: str
    """The first error, in short, or why it is not judged; empty where it passed."""
    seconds: float
    detail: str | None = None
    """`SAME_PROCESS` if it was judged in the program's own process."""

    @property
    def passed(self) -> bool | None:
        """Whether every test passed; None: it was not judged."""
        return None if self.result == "unjudged" else self.result == "passed"


def judge(
    program: str,
    tests: str,
    limits: Limits,
    *,
    entry_point: str | None = None,
    same_process: bool = False,
) -> Outcome:
    """Run tests against a program, each in a sandbox of its own.

    Args:
        program: Python source.
        tests: Python source: assertions, `check(candidate)`, unittest classes, test functions.
        limits: what each of both may use.
        entry_point: the name that the program has to define, if it is known.
        same_process: let that pass which passes only in one process with the program, where it may
            forge a pass.

    Raises:
        SandboxError: this system cannot isolate, so nothing was run.
    """
    require()
    began = time.monotonic()
    result, says = _refused(program, tests) or _judged(
        program.removeprefix(BOM), tests.removeprefix(BOM), limits, entry_point
    )
    detail = None
    if same_process and result == "unjudged" and says.startswith(ALONE):
        result, says, detail = "passed", "", SAME_PROCESS
    seconds = round(time.monotonic() - began, 3)
    return Outcome(result, scrubbed(says)[:LONGEST], seconds, detail)


def need_pytest(tests: str) -> bool:
    """Whether pytest may have to run these tests; they are hostile, so they are not parsed here."""
    return PYTEST.search(tests) is not None


def _refused(program: object, tests: object) -> tuple[str, str] | None:
    """What is not even run."""
    for result, name, text in (("unjudged", "tests are", tests), ("failed", "program is", program)):
        if not isinstance(text, str):
            return result, f"the {name} no text"
        if len(text) > LARGEST:
            size = f"{len(text):,} characters long; at most {LARGEST:,} are read"
            return result, f"the {name} {size}"
    return None


def _judged(program: str, tests: str, limits: Limits, entry_point: str | None) -> tuple[str, str]:
    """Judge a program beside its tests, and then apart from them."""
    asked = {"tests": tests, "entry_point": entry_point}
    result, says = _together(program, asked, limits)
    if result == "passed":
        result, says = _apart(program, asked, limits)
        if result != "passed":
            return "unjudged", f"{ALONE}: {says}"
    return result, says


def _apart(program: str, asked: Mapping[str, Any], limits: Limits) -> tuple[str, str]:
    """Judge a program that is in another process than its tests."""
    with contextlib.ExitStack() as stack:
        report = stack.enter_context(tempfile.TemporaryFile())
        to_tests, from_program = os.pipe()
        to_program, from_tests = os.pipe()
        ends = stack.enter_context(_closed(to_tests, from_program, to_program, from_tests))
        own = {"code": program, "reading": to_program, "writing": from_program}
        tests = {**asked, "reading": to_tests, "writing": from_tests, "report": report.fileno()}
        worker = stack.enter_context(_worker(own, limits))
        judging = stack.enter_context(_judging(tests, limits))
        ends.close()
        wait([judging, worker], limits.seconds)
        said = _read(tail(report, REPORT))
        if said == ("failed", ENDED):
            wait([worker], SETTLE)
        worker.end()
        return _found(judging.finished(), worker.finished(), said)


def _together(program: str, asked: Mapping[str, Any], limits: Limits) -> tuple[str, str]:
    """Judge a program that is in the process of its tests."""
    with tempfile.TemporaryFile() as report:
        tests = {**asked, "code": program, "report": report.fileno()}
        with _judging(tests, limits) as judging:
            wait([judging], limits.seconds)
            ended = judging.finished()
        said = _read(tail(report, REPORT))
        return _found(ended, ended, ("failed", ENDED) if said is None else said)


def _worker(request: Mapping[str, Any], limits: Limits) -> AbstractContextManager[Process]:
    """Start the program's process."""
    pipes = (request["reading"], request["writing"])
    return started(
        [*_python(), loader.START],
        limits,
        given=loader.given(inside, "worker", request),
        descriptors=pipes,
    )


def _judging(request: Mapping[str, Any], limits: Limits) -> AbstractContextManager[Process]:
    """Start the tests' process; it sees this project's libraries if the tests need pytest."""
    packages = isolation.PACKAGES if need_pytest(request["tests"]) else ""
    numbers = [request[name] for name in ("reading", "writing", "report") if name in request]
    return started(
        [*_python(), loader.START, packages],
        limits,
        given=loader.given(inside, "judge", {**request, "packages": packages}),
        descriptors=numbers,
    )


def _python() -> list[str]:
    """Python that imports nothing of the folder it is in, and whose sets are in the same order."""
    return [isolation.interpreter(), "-s", "-P", "-B", "-c"]


@contextlib.contextmanager
def _closed(*numbers: int) -> Iterator[contextlib.ExitStack]:
    """Close file descriptors at the end of the block, or when the stack is closed before."""
    with contextlib.ExitStack() as stack:
        for number in numbers:
            stack.callback(os.close, number)
        yield stack


def _found(tests: Finished, program: Finished, said: tuple[str, str] | None) -> tuple[str, str]:
    """What came of a run: what the tests report, and the limit that ended one of both."""
    if tests.stopped == "time":
        return "time", _stopped("time")
    if said is not None and said[0] in {"passed", "unjudged"}:
        return said
    for ended in (program, tests):
        if ended.stopped is not None:
            return ended.stopped, _stopped(ended.stopped)
    if said is None:
        return "failed", f"the tests ended with exit code {tests.code}"
    if said == ("failed", ENDED):
        return "failed", f"{ENDED}, with exit code {program.code}"
    return said


def _stopped(limit: str) -> str:
    return f"stopped by the limit on {limit}"


def _read(report: bytes) -> tuple[str, str] | None:
    """Result and message of a report; None: it is none."""
    try:
        said = json.loads(report)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    result, says = said.get("result"), said.get("says")
    if not isinstance(result, str) or result not in RESULTS or not isinstance(says, str):
        return None
    return result, says
