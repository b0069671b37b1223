"""Measure the embedded lake beside cp, md5sum and `dvc add`: `python -m benchmarks.lake`.

Everything is measured in one run on one disk, because only ratios of one run mean something on a
shared machine. Each row's result is checked, so a fast wrong result ends the run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import lake_bytes, lake_clients, lake_history, lake_load, lake_objects
from benchmarks.measured import Row, machine, render


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much work each row does."""

    shards: int
    shard_mib: int
    small: int
    small_bytes: int
    whole: int
    lakes: tuple[int, ...]
    log: int
    rounds: int
    load: int


FULL: Final = Sizes(
    16, 64, 10_000, 20_000, 100_000, (10_000, 100_000, 1_000_000), 10_000, 250, 5_000
)
QUICK: Final = Sizes(2, 2, 100, 20_000, 2_000, (500, 2_000), 300, 10, 50)


def _shards(scratch: Path, sizes: Sizes) -> Iterator[Row]:
    return lake_bytes.shards(scratch, count=sizes.shards, mib=sizes.shard_mib)


def _small(scratch: Path, sizes: Sizes) -> Iterator[Row]:
    return lake_bytes.small(scratch, count=sizes.small, size=sizes.small_bytes)


def _history(scratch: Path, sizes: Sizes) -> Iterator[Row]:
    for size in sizes.lakes:
        yield from lake_history.scaled(scratch, size, whole=size == sizes.whole)


def _objects(scratch: Path, sizes: Sizes) -> Iterator[Row]:
    return lake_objects.each(scratch, sizes.whole)


def _log(scratch: Path, sizes: Sizes) -> Iterator[Row]:
    return lake_history.logged(scratch, sizes.log)


def _clients(scratch: Path, sizes: Sizes) -> Iterator[Row]:
    return lake_clients.together(scratch, sizes.rounds)


def _load(scratch: Path, sizes: Sizes) -> Iterator[Row]:
    return lake_load.loaded(scratch, sizes.load)


PARTS: Final[dict[str, Callable[[Path, Sizes], Iterator[Row]]]] = {
    "shards": _shards,
    "small": _small,
    "history": _history,
    "log": _log,
    "objects": _objects,
    "clients": _clients,
    "load": _load,
}


def main() -> None:
    """Parse the command line, measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lake", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see whether it works")
    parser.add_argument(
        "--scratch", type=Path, help="directory to work in; the default is the temporary directory"
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this part")
    args = parser.parse_args()
    machine_facts = machine()
    with tempfile.TemporaryDirectory(prefix="stemma-bench-", dir=args.scratch) as scratch:
        rows = list(measure(Path(scratch), QUICK if args.quick else FULL, args.only or PARTS))
    if args.json:
        print(json.dumps({**machine_facts, "rows": [row.record() for row in rows]}, indent=2))
    else:
        render(rows, machine_facts, Console(width=160))


def measure(scratch: Path, sizes: Sizes, parts: Iterable[str]) -> Iterator[Row]:
    """Measure parts one after the other, and report progress on standard error."""
    for part in parts:
        for row in PARTS[part](scratch, sizes):
            sys.stderr.write(f"{row.taken.seconds:9.3f} s  {row.work}: {row.way}\n")
            yield row


if __name__ == "__main__":
    main()
