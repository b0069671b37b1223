"""What does each stage take of a large round? `python -m benchmarks.scale`.

A project in a scratch folder has a generator that costs nothing, so all that is measured is ours:
rows a second, processor seconds and peak of memory of every stage, each in a process of its own, of
texts of 200 bytes and of images of 32×32. `ingest` is of as many real rows as the round has
candidates; the round itself is beside `--real` real rows. With `--all` up to a million rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.measured import machine
from benchmarks.scale import peers, project
from benchmarks.scale.measuring import Place, Row, Work, measure
from benchmarks.scale.rows import KINDS

SIZES: Final = (10_000, 100_000)
QUICK: Final = (200, 400)
MILLION: Final = 1_000_000
REAL: Final = 10_000
QUICK_REAL: Final = 300
ELSEWHERE: Final = ("generate", "verify")
"""Stages that an executor runs."""
GOAL_MIB: Final = 4 << 10
"""No stage of a million rows is to need more, on a machine of two cores."""


def main() -> None:
    """Parse the command line, measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--all", action="store_true", help="a million rows as well")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes of the rounds")
    parser.add_argument("--real", type=int, help="real rows beside the round")
    parser.add_argument("--only", choices=project.ALL, help="measure only this kind")
    parser.add_argument("--until", choices=("ingest", *project.STAGES), help="the last stage")
    parser.add_argument("--no-ingest", action="store_true", help="leave out ingest of all rows")
    parser.add_argument(
        "--on", nargs="+", type=Place.of, default=[], help="executors besides, such as ray/2"
    )
    parser.add_argument("--peers", nargs="+", help="interpreters with other libraries")
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
    if not wanted or (wanted == ["ingest"] and asked.only in (project.ASKED, project.DIGITS)):
        parser.error("no stage is left to measure; --until and --no-ingest say which there are")
    found = []
    for kind in [asked.only] if asked.only else KINDS:
        for rows in sizes:
            for row in _everywhere(Work(kind, rows, real, asked.kept), wanted, asked.on):
                found.append(row)
                print(_line(row), file=sys.stderr, flush=True)
    beside = peers.measure(sizes, real, asked.peers) if asked.peers else None
    if asked.json:
        rows_json = [
            {**asdict(row), "rows_per_cpu_second": row.speed, "ours": row.ours} for row in found
        ]
        said = {**machine(), "real": real, "rows": rows_json}
        print(json.dumps({**said, **({"peers": beside.record()} if beside else {})}, indent=2))
    else:
        console = Console(width=130)
        render(found, console)
        if beside is not None:
            peers.render(beside, console)


def _everywhere(work: Work, stages: Sequence[str], places: Sequence[Place]) -> Iterator[Row]:
    """Measure stages in a process of their own, and then on each executor that is asked for."""
    yield from measure(work, stages)
    for place in places:
        elsewhere = [name for name in ELSEWHERE if name in stages]
        yield from measure(replace(work, place=place), elsewhere)


def _stages(until: str | None, *, ingest: bool) -> Iterator[str]:
    """List the stages to measure, up to the last one that is wanted."""
    for name in ("ingest", *project.STAGES):
        if ingest or name != "ingest":
            yield name
        if name == until:
            return


HEADS: Final = (
    "payload",
    "rows",
    "stage",
    "executor",
    "workers",
    "seconds",
    "CPU s",
    "model CPU s",
    "ours",
    "rows/CPU s",
    "peak MiB",
    "all MiB",
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
        "–" if row.model_cpu is None else f"{row.model_cpu:,}",
        "–" if row.ours is None else f"{row.ours:.2f}",
        f"{row.speed:,.0f}",
        f"{row.peak_mib:,.0f}",
        f"{row.all_mib:,.0f}",
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
