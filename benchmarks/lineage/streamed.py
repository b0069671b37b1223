"""A hundred million samples, nothing but our index: what memory, time and disk it takes.

Each step is a process of its own, so that its peak memory is that of the step. Mapped files count
in it as far as they were touched; the system can take these pages back.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.lineage import flat, plan, world
from benchmarks.lineage.engine import DERIVED
from benchmarks.lineage.generate import generate
from benchmarks.lineage.ours import warm_up
from benchmarks.lineage.table import amount
from benchmarks.lineage.world import World
from benchmarks.measured import check
from lineage.ancestry import derive, walks
from lineage.ancestry.index import Ancestry, open_index

ROOT: Final = Path(__file__).resolve().parents[2]
ROUNDS: Final = 100
ERROR: Final = 1e-4
"""By how much values in double precision may differ from those stored in single."""

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where the world, its index and what a step leaves for the next are."""

    home: Path
    rounds: int
    rows: int

    @property
    def world(self) -> World:
        """The world, once it is made."""
        return world.load(self.home / "world")

    @property
    def index(self) -> Path:
        """The index's directory."""
        return self.home / "index"

    @property
    def found(self) -> Path:
        """Slots of the descendants that were found."""
        return self.home / "found.npy"

    def open(self) -> Ancestry:
        """Open the index."""
        return open_index(self.index, self.world.sources())


@dataclass(frozen=True, slots=True)
class Step:
    """What a step took."""

    name: str
    seconds: float
    cpu: float
    peak: int
    """Bytes of memory at most."""
    facts: Mapping[str, Any]
    """What it has to say."""


def make(workplace: Workplace) -> Facts:
    """Write the world."""
    made = generate(workplace.home / "world", rounds=workplace.rounds, rows=workplace.rows)
    files = sum(file.stat().st_size for file in made.home.rglob("*.parquet"))
    return {"samples": made.rounds * made.rows, "disk": files}


def build(workplace: Workplace) -> Facts:
    """Build the index from Parquet."""
    index = workplace.open()
    files = sum(file.stat().st_size for file in workplace.index.rglob("*") if file.is_file())
    return {"samples": index.rows, "edges": index.edges, "disk": files}


def opening(workplace: Workplace) -> Facts:
    """Open the index."""
    return {"samples": workplace.open().rows}


def derivation(workplace: Workplace) -> Facts:
    """Derive every column; each value must be what the lake stores."""
    warm_up(workplace.home / "warm")
    opened = workplace.open()
    worst, checking = 0.0, 0.0
    for segment, rows in derive.derive(opened):
        start = time.perf_counter()
        worst = max(worst, _error(rows, workplace.world.lineage(segment.round)))
        checking += time.perf_counter() - start
    check(worst <= ERROR, f"a derived value differs from the stored one by {worst}")
    return {"largest difference from the stored columns": worst, "of it comparing": checking}


def audit(workplace: Workplace) -> Facts:
    """Find a sample by its id, and its ancestors; then do it again, with their pages at hand."""
    opened, made = workplace.open(), workplace.world
    ((slot, sample_id),) = plan.samples(made, made.rounds - 1, 1)
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        numbers = opened.find(sample_id.hex())
        above = walks.ancestors(opened, numbers)
        described = opened.nodes(above.nodes["number"].to_numpy())
        taken.append(time.perf_counter() - start)
    check(slot % made.stride in described["row"].to_list(), "the sample itself was not found")
    return {"ancestors": len(described) - len(numbers), "first": taken[0], "again": taken[1]}


def descendants(workplace: Workplace) -> Facts:
    """Find the descendants of 1,000 real samples."""
    return _descended(workplace, indirect=False)


def indirect(workplace: Workplace) -> Facts:
    """Find their indirect descendants too."""
    return _descended(workplace, indirect=True)


def _descended(workplace: Workplace, *, indirect: bool) -> Facts:
    opened, starts = workplace.open(), _starts(workplace)
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        reached = walks.descendants(opened, starts, include_indirect=indirect)
        taken.append(time.perf_counter() - start)
    np.save(workplace.found, reached.direct)
    counts = {"descendants": len(reached.direct), "indirect": len(reached.indirect)}
    return {**counts, "first": taken[0], "again": taken[1]}


def scan(workplace: Workplace) -> Facts:
    """Check the descendants by a scan of the lake's Parquet."""
    made, starts = workplace.world, _starts(workplace)
    marks, slots = np.zeros(made.slots, np.bool_), []
    for number in range(made.rounds):
        rows, edges = flat.tables(made, number)
        slots.append(rows["slot"].to_numpy())
        if not number:
            marks[slots[0][starts]] = True
        child, parent = (edges[name].to_numpy() for name in ("child", "parent"))
        marks[child[marks[parent]]] = True
    expected = np.flatnonzero(marks[np.concatenate(slots)])
    reached = np.load(workplace.found)
    check(np.array_equal(reached, np.setdiff1d(expected, starts)), "the descendants are others")
    return {"descendants": len(reached)}


def _starts(workplace: Workplace) -> NDArray[np.int64]:
    """Numbers of real samples; round 0 comes first, so they are their ranks."""
    real = workplace.world.lineage(0).select("row").collect()["row"].sort().to_numpy()
    return np.searchsorted(real, plan.starts(workplace.world))


def _error(rows: pl.DataFrame, stored: pl.LazyFrame) -> float:
    """The largest difference of derived values from those that the lake stores."""
    expected = stored.select("row", *DERIVED).collect().sort("row").cast(pl.Float64)
    both = zip(rows.select("row", *DERIVED).cast(pl.Float64), expected, strict=True)
    pairs = ((ours.fill_null(-1.0), theirs.fill_null(-1.0)) for ours, theirs in both)
    return max(float((ours - theirs).abs().max()) for ours, theirs in pairs)  # type: ignore[arg-type]


STEPS: Final[dict[str, Callable[[Workplace], Facts]]] = {
    "make the world": make,
    "build the index": build,
    "open it": opening,
    "derive every column": derivation,
    "audit one sample": audit,
    "descendants of 1,000 real samples": descendants,
    "the same, indirect ones too": indirect,
    "check them by a scan of the lake": scan,
}


def run(scratch: Path, rounds: int, rows: int) -> Iterator[Step]:
    """Take every step, each in a process of its own, and remove what they wrote."""
    home = scratch.resolve() / "streamed"
    home.mkdir()
    try:
        for name in STEPS:
            command = [sys.executable, "-m", "benchmarks.lineage.streamed", name, str(home)]
            done = subprocess.run(
                [*command, str(rounds), str(rows)], cwd=ROOT, check=True, stdout=subprocess.PIPE
            )
            yield Step(name, **json.loads(done.stdout))
    finally:
        shutil.rmtree(home)


def render(steps: Sequence[Step], console: Console) -> None:
    """Print the steps as a table."""
    table = Table("step", title="nothing but our index")
    for head in ("seconds", "CPU s", "peak memory, GB"):
        table.add_column(head, justify="right")
    table.add_column("", overflow="fold")
    for step in steps:
        facts = ", ".join(f"{name}: {_said(name, value)}" for name, value in step.facts.items())
        figures = (amount(step.seconds), amount(step.cpu), f"{step.peak / 1e9:.2f}")
        table.add_row(step.name, *figures, facts)
    console.print(table)


def _said(name: str, value: float) -> str:
    if name == "disk":
        return f"{value / 1e9:.2f} GB"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def main() -> None:
    """Take one step and say what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage.streamed")
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("home", type=Path)
    parser.add_argument("rounds", type=int)
    parser.add_argument("rows", type=int)
    arguments = parser.parse_args()
    cpu, start = time.process_time(), time.perf_counter()
    facts = STEPS[arguments.step](Workplace(arguments.home, arguments.rounds, arguments.rows))
    step = Step(
        arguments.step,
        time.perf_counter() - start,
        time.process_time() - cpu,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        facts,
    )
    content = asdict(step)
    del content["name"]
    print(json.dumps(content))


if __name__ == "__main__":
    main()
