"""What a benchmark finds out: rows with their peers and goals, as a table and as JSON.

Wall-clock seconds of a busy machine say little alone, so each row is put beside peers that were
measured in the same run, and says how much processor time it took (client and server together).
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@contextmanager
def extra(name: str) -> Iterator[None]:
    """End with a sentence where a library of an extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(
            f"this benchmark needs {error.name}, which is not installed; run "
            f"`pip install -c constraints.txt -e '.[{name}]'`"
        )


@dataclass(slots=True)
class Taken:
    """Wall-clock and processor seconds of a piece of work, filled in when it is done."""

    seconds: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit in seconds, and the rule that it comes from."""

    rule: str
    limit: float


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: the work, the way it was done, what it took, beside what, and the goals."""

    key: str
    work: str
    way: str
    taken: Taken
    count: int = 1
    peers: Mapping[str, Taken] = field(default_factory=dict)
    goals: Sequence[Goal] = ()

    def met(self) -> bool | None:
        """Tell whether every goal is met; None when there is none."""
        return all(self.taken.seconds <= goal.limit for goal in self.goals) if self.goals else None

    def record(self) -> dict[str, Any]:
        """The JSON form, with the ratio to each peer."""
        ratios = {
            name: round(self.taken.seconds / peer.seconds, 3) for name, peer in self.peers.items()
        }
        return {**asdict(self), "ratios": ratios, "met": self.met()}


@contextmanager
def measured(server: int | None = None) -> Iterator[Taken]:
    """Time what happens inside: this process, its ended children, and a server's process."""
    os.sync()  # nobody pays for what others wrote before
    taken = Taken()
    cpu, start = _cpu(server), time.perf_counter()
    yield taken
    taken.seconds = time.perf_counter() - start
    taken.cpu = _cpu(server) - cpu


def _cpu(server: int | None) -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    other = 0.0
    if server is not None:
        fields = Path(f"/proc/{server}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        other = (int(fields[11]) + int(fields[12])) / _TICKS
    return time.process_time() + ended.ru_utime + ended.ru_stime + other


def check(held: bool, what: str) -> None:
    """Stop a benchmark whose results are wrong.

    Raises:
        ValueError: they are.
    """
    if not held:
        raise ValueError(f"the benchmark's results are wrong: {what}")


def machine() -> dict[str, Any]:
    """Where and when the figures were taken."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def render(rows: Sequence[Row], where: Mapping[str, Any], console: Console) -> None:
    """Print the rows as a table."""
    table = Table(title=", ".join(f"{name} {value}" for name, value in where.items()))
    for head in ("work", "way", "seconds", "CPU s", "beside (seconds, ratio)", "goal"):
        table.add_column(head, justify="right" if head in ("seconds", "CPU s") else "left")
    for row in rows:
        table.add_row(
            row.work,
            row.way,
            _amount(row.taken.seconds),
            _amount(row.taken.cpu),
            "\n".join(
                f"{name} {_amount(peer.seconds)}: {row.taken.seconds / peer.seconds:.2f} ×"
                for name, peer in row.peers.items()
            ),
            "\n".join(_verdict(goal, row.taken.seconds) for goal in row.goals),
        )
    console.print(table)


def _verdict(goal: Goal, seconds: float) -> str:
    word = "met" if seconds <= goal.limit else "missed"
    return f"{word}: ≤ {goal.rule} = {_amount(goal.limit)}"


def _amount(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 1 else f"{seconds:.2f}"
