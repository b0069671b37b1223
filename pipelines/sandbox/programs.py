"""Does a program pass its tests?"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipelines.sandbox import harness, isolation
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.run import Finished, run


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program did."""

    result: str
    """passed, failed, or the limit that stopped it: time, processor, memory, processes, files (a
    write outside its folder), file size, network."""
    says: str
    """The first error, in short; empty where it passed."""
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.result == "passed"


def judge(program: str, tests: str, limits: Limits) -> Outcome:
    """Run a program and then its tests in the sandbox.

    Args:
        program: Python source.
        tests: Python source that raises (asserts) where the program is wrong.
        limits: what both may use together.

    Raises:
        SandboxError: this system cannot isolate, so nothing was run.
    """
    token = secrets.token_hex(16)
    asked = json.dumps({"code": program, "tests": tests, "token": token}).encode()
    began = time.monotonic()
    python = [isolation.interpreter(), "-I", "-B", "-c", _harness(), "{report}"]
    finished = run(python, limits, given=asked)
    result, says = _read(finished, token)
    return Outcome(result, says, round(time.monotonic() - began, 3))


def _read(finished: Finished, token: str) -> tuple[str, str]:
    if finished.stopped is not None:
        return finished.stopped, f"stopped by the limit on {finished.stopped}"
    try:
        said = json.loads(finished.report)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("token") != token:
        return "failed", f"ended before its tests were through, with exit code {finished.code}"
    return str(said["result"]), str(said["says"])


@cache
def _harness() -> str:
    return Path(harness.__file__).read_text(encoding="utf-8")
