"""Measure lineage beside its peers and a floor: `python -m benchmarks.lineage`.

Everything is measured in one run, engines in turns, each in a process of its own. An engine's time
counts only where its result is ours, and one that takes longer than `--limit` is said to.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.lineage import streamed
from benchmarks.lineage.generate import generate
from benchmarks.lineage.measure import ALWAYS, PEERS, SMALL, hired
from benchmarks.lineage.plan import works
from benchmarks.lineage.table import Part, render
from benchmarks.lineage.world import World
from benchmarks.measured import machine

SMALLER = 10
"""By how much the world is smaller that is given to peers which cannot take the whole."""


def main() -> None:
    """Parse the command line, measure, and print a table or JSON."""
    arguments = _arguments()
    where = machine()
    with tempfile.TemporaryDirectory(prefix="stemma-bench-", dir=arguments.scratch) as scratch:
        if arguments.hundred_million:
            _stream(Path(scratch), arguments, where)
            return
        parts = list(measured(Path(scratch), arguments))
    if arguments.json:
        print(json.dumps({**where, "parts": [part.record() for part in parts]}, indent=2))
    else:
        render(parts, where, Console(width=180))
    if any(timing.wrong for part in parts for timing in part.timings):
        sys.exit("an engine differed from ours or failed; see the remarks")


def _stream(scratch: Path, arguments: argparse.Namespace, where: Mapping[str, Any]) -> None:
    """Measure our index alone, at many rounds."""
    steps = []
    for step in streamed.run(scratch, streamed.ROUNDS, arguments.rows):
        sys.stderr.write(f"{step.seconds:9.3f} s  {step.name}\n")
        steps.append(step)
    if arguments.json:
        print(json.dumps({**where, "steps": [asdict(step) for step in steps]}, indent=2))
    else:
        streamed.render(steps, Console(width=160))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=10, help="rounds, the real one included")
    parser.add_argument("--rows", type=int, default=1_000_000, help="samples of each round")
    parser.add_argument("--repeats", type=int, default=5, help="how often each work is done")
    parser.add_argument("--limit", type=float, default=300, help="seconds that a work may take")
    peers = [*PEERS, *SMALL]
    parser.add_argument(
        "--peers", nargs="*", choices=peers, default=peers, help="which peers; the default is all"
    )
    parser.add_argument("--scratch", type=Path, help="where to work; the default is the temp dir")
    parser.add_argument(
        "--hundred-million",
        action="store_true",
        help="only our index, at 100 rounds × --rows: memory, time and disk",
    )
    return parser.parse_args()


def measured(scratch: Path, arguments: argparse.Namespace) -> Iterator[Part]:
    """Make the worlds and measure the peers that were chosen."""
    for peers, rows in ((PEERS, arguments.rows), (SMALL, max(arguments.rows // SMALLER, 1))):
        chosen = {name: spec for name, spec in peers.items() if name in arguments.peers}
        if chosen or peers is PEERS:
            home = scratch / f"{rows}"
            world = generate(home / "world", rounds=arguments.rounds, rows=rows)
            yield part(world, home / "engines", chosen, alone=peers is PEERS, arguments=arguments)
            shutil.rmtree(home)


def part(
    world: World,
    scratch: Path,
    peers: Mapping[str, str],
    *,
    alone: bool,
    arguments: argparse.Namespace,
) -> Part:
    """Measure ours, the floor and peers on a world, saying on standard error what is done.

    Args:
        world: the world.
        scratch: where the engines work.
        peers: module:class by engine.
        alone: also measure what none of these peers can do.
        arguments: the command line.
    """
    timings = []
    specs = {**ALWAYS, **peers}
    with hired(world, scratch, specs, limit=arguments.limit, repeats=arguments.repeats) as bench:
        for work in works(world, arguments.repeats):
            if alone or bench.shared(work, peers):
                for timing in bench.measure(work):
                    seconds = f"{timing.seconds():9.4f} s" if timing.runs else " " * 11
                    sys.stderr.write(f"{seconds}  {work.title}: {timing.name} {timing.remark}\n")
                    timings.append(timing)
    return Part(world, timings)


if __name__ == "__main__":
    main()
