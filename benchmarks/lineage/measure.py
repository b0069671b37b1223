"""Measure engines on one world, in turns, and believe no time whose result differs from ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.lineage.compare import difference
from benchmarks.lineage.engine import Result
from benchmarks.lineage.plan import Work
from benchmarks.lineage.worker import FailedError, LimitError, Worker
from benchmarks.lineage.world import World
from benchmarks.measured import Taken

OURS: Final = "stemma"
FLOOR: Final = "floor"
PEERS: Final = {
    "duckdb": "benchmarks.lineage.duck:Native",
    "duckdb-parquet": "benchmarks.lineage.duck:Parquet",
    "polars": "benchmarks.lineage.frames:Frames",
    "numpy": "benchmarks.lineage.arrays:Arrays",
    "sqlite": "benchmarks.lineage.lite:Lite",
}
SMALL: Final = {"rustworkx": "benchmarks.lineage.graph:Graph"}
"""Peers that are given a smaller world."""
ALWAYS: Final = {
    OURS: "benchmarks.lineage.ours:Stemma",
    FLOOR: "benchmarks.lineage.floor:Floor",
}
SLOW: Final = 20.0
"""Seconds; what takes longer is not repeated."""


@dataclass(slots=True)
class Timing:
    """What one engine took for one work."""

    work: Work
    engine: str
    name: str
    runs: list[Taken] = field(default_factory=list)
    remark: str = ""
    """Why there are no runs, or fewer."""
    wrong: bool = False
    """Whether a result differed from ours, or there was none."""

    def seconds(self, of: Callable[[Iterable[float]], float] = median) -> float:
        """The median of the wall-clock seconds, or another figure of them."""
        return of(each.seconds for each in self.runs)

    def cpu(self) -> float:
        """The median of the processor seconds."""
        return median(each.cpu for each in self.runs)

    def record(self) -> dict[str, Any]:
        """The JSON form."""
        taken = {
            "minimum": self.seconds(min),
            "median": self.seconds(),
            "cpu": self.cpu(),
            "seconds": [each.seconds for each in self.runs],
        }
        known = {"engine": self.engine, "name": self.name, "remark": self.remark}
        return {**known, "wrong": self.wrong, **(taken if self.runs else {})}


@dataclass(slots=True)
class Bench:
    """Engines that are at work on one world, ours the first."""

    workers: dict[str, Worker]
    repeats: int

    def measure(self, work: Work) -> list[Timing]:
        """Let every engine that can do a work repeat it, in turns."""
        timings = [
            Timing(work, engine, worker.name, remark=worker.gone, wrong=worker.broken)
            for engine, worker in self.workers.items()
            if work.method in worker.works
        ]
        for at in range(self.repeats * work.often):
            self._turn(timings, work.given(at))
        return timings

    def shared(self, work: Work, peers: Iterable[str]) -> bool:
        """Whether one of some peers can do a work."""
        return any(work.method in self.workers[peer].works for peer in peers)

    def _turn(self, timings: Sequence[Timing], given: tuple[Any, ...]) -> None:
        """Let each engine do its work once; nobody without ours to compare with."""
        ours, *others = timings
        expected = self._run(ours, given) if _again(ours) else None
        if expected is None:
            _left_out(ours, others)
            return
        for timing in filter(_again, others):
            found = self._run(timing, given)
            if found is not None:
                judge(timing, found, expected)

    def _run(self, timing: Timing, given: tuple[Any, ...]) -> Result | None:
        worker = self.workers[timing.engine]
        try:
            taken, found = worker.ask(timing.work.method, given)
        except (LimitError, FailedError) as error:
            timing.remark = str(error)
            timing.wrong = isinstance(error, FailedError)
            worker.end(f"not asked: it was ended at {timing.work.title}")
            return None
        timing.runs.append(taken)
        return found


@contextmanager
def hired(
    world: World, scratch: Path, specs: Mapping[str, str], *, limit: float, repeats: int
) -> Iterator[Bench]:
    """Start engines, each in a process of its own, and end them.

    Args:
        world: what they are asked about.
        scratch: where they work.
        specs: module:class by engine, ours the first.
        limit: seconds that a work may take.
        repeats: how often each does it.
    """
    bench = Bench({}, repeats)
    try:
        for engine, spec in specs.items():
            bench.workers[engine] = Worker(spec, world, scratch / engine, limit)
        yield bench
    finally:
        for worker in bench.workers.values():
            worker.end()


def judge(timing: Timing, found: Result, expected: Result) -> None:
    """Discard the times of an engine whose result differs from ours."""
    said = difference(found, expected)
    if said is not None:
        timing.runs.clear()
        timing.wrong = True
        timing.remark = f"differs from ours, so its time does not count: it {said}"


def _left_out(ours: Timing, others: Iterable[Timing]) -> None:
    """Say why engines were not asked where ours failed."""
    for timing in others:
        if ours.remark and not timing.runs and not timing.remark:
            timing.remark = "not asked: ours gave no result to compare with"


def _again(timing: Timing) -> bool:
    """Whether an engine is to do its work once more."""
    return not timing.remark and (not timing.runs or timing.runs[-1].seconds <= SLOW)
