"""Are answers to maths problems the true ones?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pipelines.sandbox import isolation, maths_harness
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.run import run

BATCH: Final = 256
"""Pairs that one process compares; starting it takes a second."""
LIMITS: Final = Limits(seconds=300, cpu_seconds=240, memory_mib=1024)


@dataclass(frozen=True, slots=True)
class Compared:
    """An answer beside the true one."""

    correct: bool | None
    """None: could not be told."""
    says: str


def compare(pairs: Sequence[tuple[str, str]]) -> Iterator[Compared]:
    """Compare answers with the true ones, by value: 1/2, 2/4 and 0.5 are the same.

    Args:
        pairs: true answer and given answer, as LaTeX or plain text.

    Raises:
        SandboxError: this system cannot isolate, so nothing was compared.
    """
    left = list(pairs)
    while left:
        done = _batch(left[:BATCH])
        yield from done
        left = left[len(done) :]


def _batch(pairs: Sequence[tuple[str, str]]) -> list[Compared]:
    """Compare as many as one process lives through, and the one that ended it."""
    python = [isolation.interpreter(), "-I", "-B", "-c", _harness()]
    finished = run(
        [*python, "{report}", isolation.PACKAGES], LIMITS, given=json.dumps(pairs).encode()
    )
    lines = [json.loads(line) for line in finished.report.splitlines()]
    done = [Compared(line["correct"], line["says"]) for line in lines[: len(pairs)]]
    if len(done) < len(pairs):
        why = finished.stopped or f"exit code {finished.code}"
        done.append(Compared(None, f"comparing it ended the process: {why}"))
    return done


@cache
def _harness() -> str:
    return Path(maths_harness.__file__).read_text(encoding="utf-8")
