"""What does each stage take of a large round? `python -m benchmarks.scale`.

A project in a scratch folder has a generator that costs nothing, so all that is measured is ours:
rows a second, processor seconds and peak of memory of every stage, each in a process of its own, of
texts of 200 bytes and of images of 32×32. `ingest` is of as many real rows as the round has
candidates; the round itself is beside `--real` real rows. With `--all` up to a million rows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.measured import machine
from benchmarks.scale import project
from benchmarks.scale.rows import KINDS

ROOT: Final = Path(__file__).resolve().parents[2]
SIZES: Final = (10_000, 100_000)
QUICK: Final = (200, 400)
MILLION: Final = 1_000_000
REAL: Final = 10_000
QUICK_REAL: Final = 300
MIB: Final = 1 << 20
GOAL_MIB: Final = 4 << 10
"""No stage of a million rows is to need more, on a machine of two cores."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a stage took."""

    kind: str
    rows: int
    """Candidates; real rows where the stage is `ingest`."""
    stage: str
    executor: str
    """Where the stage's shards ran."""
    workers: int
    seconds: float
    cpu: float
    """Processor seconds of all processes, the lake's server with them."""
    peak_mib: float
    """Greatest resident memory of the stage's process, or of one that it started."""
    server_mib: float
    """Greatest resident memory of the lake's server so far."""

    @property
    def speed(self) -> float:
        """Rows a second of processor time."""
        return self.rows / self.cpu if self.cpu else float("inf")


def main() -> None:
    """Parse the command line, measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--all", action="store_true", help="a million rows as well")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes of the rounds")
    parser.add_argument("--real", type=int, help="real rows beside the round")
    parser.add_argument("--only", choices=KINDS, help="measure only this kind")
    parser.add_argument("--until", choices=("ingest", *project.STAGES), help="the last stage")
    parser.add_argument("--no-ingest", action="store_true", help="leave out ingest of all rows")
    parser.add_argument("--kept", type=Path, help="folder that keeps the projects")
    parser.add_argument("--stage", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        from benchmarks.scale import stage  # noqa: PLC0415  loads what the stage loads

        name, key = (*asked.stage, None)[:2]
        print("\n" + json.dumps(stage.run(name, key)))
        return
    sizes = asked.rows or (QUICK if asked.quick else SIZES)
    sizes = [*sizes, *([MILLION] if asked.all else [])]
    real = asked.real or (QUICK_REAL if asked.quick else REAL)
    wanted = list(_stages(asked.until, ingest=not asked.no_ingest))
    found = []
    for kind in [asked.only] if asked.only else KINDS:
        for rows in sizes:
            for row in measure(kind, rows, real, wanted, asked.kept):
                found.append(row)
                print(_line(row), file=sys.stderr, flush=True)
    if asked.json:
        rows_json = [{**asdict(row), "rows_per_cpu_second": row.speed} for row in found]
        print(json.dumps({**machine(), "real": real, "rows": rows_json}, indent=2))
    else:
        render(found, Console(width=120))


def _stages(until: str | None, *, ingest: bool) -> Iterator[str]:
    """List the stages to measure, up to the last one that is wanted."""
    for name in (*(["ingest"] if ingest else []), *project.STAGES):
        yield name
        if name == until:
            return


def measure(
    kind: str, rows: int, real: int, stages: Sequence[str], kept: Path | None
) -> Iterator[Row]:
    """Measure stages, each in a process of its own: `ingest` of all rows, then a round of them."""
    if "ingest" in stages:
        with _scratch(kept) as folder:
            project.write(folder, kind, rows, 1)
            _stage(folder, "lake")
            yield _measured(folder, kind, rows, "ingest")
    of_round = [name for name in stages if name != "ingest"]
    if of_round:
        with _scratch(kept) as folder:
            project.write(folder, kind, real, rows)
            _stage(folder, "lake")
            _stage(folder, "ingest", project.DATASET)
            for name in of_round:
                yield _measured(folder, kind, rows, name)


@contextmanager
def _scratch(kept: Path | None) -> Iterator[Path]:
    """Make a folder for a project, whose lake ends with it; it is removed unless it is kept."""
    folder = Path(tempfile.mkdtemp(dir=kept))
    try:
        yield folder
    finally:
        _end_server(folder)
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _measured(folder: Path, kind: str, rows: int, name: str) -> Row:
    """Run a stage and say what it took."""
    key = project.DATASET if name == "ingest" else project.ROUND
    took = _stage(folder, name, key)
    peak = max(took["peak"], took["child_peak"])
    return Row(
        kind=kind,
        rows=rows,
        stage=name,
        executor="local",
        workers=1,
        seconds=took["seconds"],
        cpu=took["cpu"],
        peak_mib=round(peak / MIB, 1),
        server_mib=round(took["server_peak"] / MIB, 1),
    )


def _stage(folder: Path, *words: str) -> dict[str, Any]:
    """Run a stage in a process of its own, and read what it took."""
    command = [sys.executable, "-m", "benchmarks.scale", "--stage", *words]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    threads = {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed in {folder}:\n{done.stdout}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _end_server(folder: Path) -> None:
    """End the embedded lake's server of a project."""
    from lake.home import LakeHome  # noqa: PLC0415  --help needs none

    server = LakeHome(folder / ".lake").serving()
    if server is not None:
        with suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGTERM)


HEADS: Final = (
    "payload",
    "rows",
    "stage",
    "executor",
    "workers",
    "seconds",
    "CPU s",
    "rows/CPU s",
    "peak MiB",
    "server MiB",
)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.kind,
        f"{row.rows:,}",
        row.stage,
        row.executor,
        str(row.workers),
        f"{row.seconds:,}",
        f"{row.cpu:,}",
        f"{row.speed:,.0f}",
        f"{row.peak_mib:,.0f}",
        f"{row.server_mib:,.0f}",
    )


def _line(row: Row) -> str:
    cells = zip(HEADS, _cells(row), strict=True)
    return ", ".join(f"{head} {cell}" for head, cell in cells)


def render(rows: Sequence[Row], console: Console) -> None:
    """Print the rows as a table, and say whether the goal of memory is met."""
    table = Table(title=", ".join(f"{name} {value}" for name, value in machine().items()))
    for head in HEADS:
        table.add_column(head, justify="left" if head in HEADS[:4:2] else "right")
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    most = max(rows, key=lambda row: row.peak_mib)
    verdict = "met" if most.peak_mib <= GOAL_MIB else "missed"
    console.print(
        f"goal {verdict}: ≤ {GOAL_MIB:,} MiB in every stage; {most.stage} of {most.rows:,} "
        f"{most.kind} needs {most.peak_mib:,.0f}"
    )


if __name__ == "__main__":
    main()
