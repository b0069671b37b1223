"""What a process and all that it starts take, those of a cluster too, which nobody waits for."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.measured import extra

EVERY: Final = 0.1
"""Seconds between looks; what a process takes after the last look at it is not counted."""


@dataclass(slots=True)
class Watched:
    """A process that has ended."""

    returncode: int
    out: str
    err: str
    peak_each: int = 0
    """Greatest resident memory of one process that it started, in bytes."""
    peak_all: int = 0
    """Greatest resident memory of all at once; memory that they share counts in each."""
    own_cpu: float = 0.0
    """Processor seconds of the process and of those that it waited for, from its start."""
    cpu_by_process: dict[int, float] = field(default_factory=dict)
    """Processor seconds by process, itself left out."""

    @property
    def cpu(self) -> float:
        """Processor seconds of what it started."""
        return sum(self.cpu_by_process.values())


def run(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Watched:
    """Run a command to its end, and look at its processes all the while."""
    with extra("dev"):
        import psutil  # noqa: F401, PLC0415  before the command is started

    found = Watched(-1, "", "")
    pipe, before = subprocess.PIPE, _ended()
    with subprocess.Popen(
        command, cwd=folder, env=dict(env), stdout=pipe, stderr=pipe, text=True
    ) as process:
        while True:
            try:
                found.out, found.err = process.communicate(timeout=EVERY)
                break
            except subprocess.TimeoutExpired:
                _look(process.pid, found)
        found.returncode = process.returncode
    found.own_cpu = _ended() - before
    return found


def _ended() -> float:
    """Processor seconds of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _look(process: int, found: Watched) -> None:
    import psutil  # noqa: PLC0415  of the extra `dev`

    with suppress(psutil.Error):
        root = psutil.Process(process)
        total = root.memory_info().rss
        for child in root.children(recursive=True):
            with suppress(psutil.Error):
                times, resident = child.cpu_times(), child.memory_info().rss
                found.cpu_by_process[child.pid] = times.user + times.system
                found.peak_each = max(found.peak_each, resident)
                total += resident
        found.peak_all = max(found.peak_all, total)
