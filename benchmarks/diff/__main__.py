"""Measure the row diff beside its peers: `python -m benchmarks.diff`.

Each engine is a process of its own, repeats its work, and must find what really differs. Seconds
are the least of its runs, after its imports.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.diff import parts, world
from benchmarks.measured import Goal, Row, Taken, check, machine, render

ROOT: Final = Path(__file__).resolve().parents[2]
DATACOMPY: Final = "datacompy==1.1.0"
PEERS: Final = ("polars", "duckdb", "pandas", "datacompy")
GIB: Final = 1 << 30
LIMIT: Final = 4 * GIB
"""Peak memory of the large diff."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much work there is."""

    rows: int
    large: int
    parts: int
    part_rows: int
    repeats: int


FULL: Final = Sizes(1_000_000, 10_000_000, 50, 60_000, 5)
QUICK: Final = Sizes(20_000, 50_000, 10, 1_000, 1)


def main() -> None:
    """Parse the command line, measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diff", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work at all")
    parser.add_argument("--scratch", type=Path, help="where to work; the default is the temp dir")
    parser.add_argument("--peer", choices=PEERS, action="append", help="only beside these peers")
    parser.add_argument("--only", choices=WORKS, action="append", help="measure only this work")
    parser.add_argument(
        "--venv",
        type=Path,
        default=ROOT / ".stemma" / "bench" / "datacompy",
        help="environment of datacompy, which pins an older Polars; made where it is missing",
    )
    asked = parser.parse_args()
    sizes = QUICK if asked.quick else FULL
    peers = tuple(asked.peer or PEERS)
    where = machine()
    with tempfile.TemporaryDirectory(prefix="stemma-bench-", dir=asked.scratch) as scratch:
        works = asked.only or list(WORKS)
        beside = {"scattered", "shuffled"} & {*works}
        pythons = _pythons(peers if beside else (), asked.venv)
        rows = [row for name in works for row in WORKS[name](Path(scratch), sizes, peers, pythons)]
    if asked.json:
        print(json.dumps({**where, "rows": [row.record() for row in rows]}, indent=2))
    else:
        render(rows, where, Console(width=160))


def scattered(
    scratch: Path, sizes: Sizes, peers: Sequence[str], pythons: Mapping[str, str]
) -> Iterator[Row]:
    """Rows in the order of their keys on both sides, scattered edits."""
    return _rows(scratch, sizes, peers, pythons, shuffled=False)


def shuffled(
    scratch: Path, sizes: Sizes, peers: Sequence[str], pythons: Mapping[str, str]
) -> Iterator[Row]:
    """The same with the right side's rows in random order."""
    return _rows(scratch, sizes, peers, pythons, shuffled=True)


def files(scratch: Path, sizes: Sizes, _: Sequence[str], __: Mapping[str, str]) -> Iterator[Row]:
    """A tenth of many parts of a table in a lake changed."""
    skipped, whole = parts.measured_parts(
        scratch, sizes.parts, sizes.part_rows, max(3, sizes.repeats)
    )
    goal = Goal("without the skip / 8", whole.seconds / 8)
    work = f"{sizes.parts // 10} of {sizes.parts} parts of {sizes.part_rows:,} rows changed"
    yield Row("files", work, "stemma", skipped, 1, {"without the skip": whole}, [goal])


def large(
    scratch: Path, sizes: Sizes, _: Sequence[str], pythons: Mapping[str, str]
) -> Iterator[Row]:
    """A diff whose peak memory counts, with keys in order and not."""
    for mixed in (False, True):
        edits = world.files(scratch, sizes.large, shuffled=mixed)
        taken, peak = _ask("stemma", scratch, edits, 1, pythons)
        check(peak <= LIMIT, f"the diff took {peak / GIB:.2f} GiB; the limit is 4")
        order = "in random order" if mixed else "in order"
        work = f"{sizes.large:,} × {sizes.large:,} rows {order}: {peak / GIB:.2f} GiB at its peak"
        yield Row("large", work, "stemma", taken)


WORKS: Final = {"scattered": scattered, "shuffled": shuffled, "files": files, "large": large}


def _rows(
    scratch: Path, sizes: Sizes, peers: Sequence[str], pythons: Mapping[str, str], *, shuffled: bool
) -> Iterator[Row]:
    edits = world.files(scratch, sizes.rows, shuffled=shuffled)
    taken: dict[str, Taken] = {}
    for name in ("floor", "stemma", *peers):
        taken[name], _ = _ask(name, scratch, edits, sizes.repeats, pythons)
        say = f"{taken[name].seconds:9.3f} s {taken[name].cpu:9.3f} CPU s  {name}\n"
        sys.stderr.write(say)
    order = ", right side in random order" if shuffled else ""
    work = f"{sizes.rows:,} × 8, scattered edits{order}"
    ours = taken.pop("stemma")
    goals = [] if shuffled else [Goal("1.5 × the floor", 1.5 * taken["floor"].seconds)]
    yield Row("shuffled" if shuffled else "scattered", work, "stemma", ours, 1, taken, goals)
    processor = {name: Taken(each.cpu, each.cpu) for name, each in taken.items()}
    floor = 1.5 * processor["floor"].seconds
    goals = [] if shuffled else [Goal("1.5 × the floor", floor)]
    way = "stemma, processor time"
    yield Row("processor", work, way, Taken(ours.cpu, ours.cpu), 1, processor, goals)


def _ask(
    name: str, scratch: Path, edits: world.Edits, repeats: int, pythons: Mapping[str, str]
) -> tuple[Taken, int]:
    """Let an engine work; its result must be what really differs."""
    pair = [str(scratch / f"{side}.parquet") for side in ("left", "right")]
    words = [pythons.get(name, sys.executable), "-m", "benchmarks.diff.worker", name, *pair]
    done = subprocess.run(
        [*words, str(repeats)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    expected = None if name == "floor" else asdict(edits)
    check(told["found"] == expected, f"{name} found {told['found']}, not {expected}")
    seconds, cpu = (min(each[at] for each in told["taken"]) for at in (0, 1))
    return Taken(seconds, cpu), int(told["peak"])


def _pythons(peers: Sequence[str], place: Path) -> dict[str, str]:
    """The interpreters of peers that cannot share ours, their environments made on demand."""
    if "datacompy" not in peers:
        return {}
    python = place / "bin" / "python"
    if not python.exists():
        sys.stderr.write(f"installing {DATACOMPY} into {place}\n")
        venv.create(place, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, DATACOMPY, "pyarrow"], check=True)
    return {"datacompy": str(python)}


if __name__ == "__main__":
    main()
