"""Which generator? `python -m benchmarks.generators` puts those that fit a data set side by side.

Each learns from the same real rows and makes the same number of candidates, with the settings that
`stemma dataset add` writes for such data: that is the equal budget, and the seconds and dollars
that it takes are figures. Candidates are judged by the suite and curated as in a round. Recall,
coverage, precision and density are of all candidates, against real test rows that nothing else
saw; downstream, a model learns from the accepted ones, alone and beside the real training rows.
Real rows that no generator saw stand for an ideal one, training rows once more for a copier.

Results are kept, so that a run goes on where it was ended.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.generators import cases, plot, table
from benchmarks.generators.worlds import DATA
from benchmarks.measured import machine
from lake.errors import UserError

SEEDS: Final = 2
KEPT: Final = Path(".stemma") / "generators"
"""Folder of results."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, and print tables, Markdown or JSON."""
    asked = _parser().parse_args(arguments)
    data = asked.data or list(DATA)
    wanted = [
        case
        for case in cases.all_cases(data, asked.seeds, asked.also, asked.candidates)
        if not asked.only or any(part in case.generator for part in asked.only)
    ]
    try:
        results = cases.run(wanted, asked.kept, asked.processes, asked.also)
    except UserError as error:
        sys.exit(str(error))
    if asked.plot:
        asked.plot.write_bytes(plot.draw(results))
    if asked.json:
        print(json.dumps({**machine(), **table.record(results)}, indent=2))
    elif asked.markdown:
        print(table.markdown(results))
    else:
        _render(results)


def _whole(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generators",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", nargs="*", choices=list(DATA), help="kinds of data (all)")
    parser.add_argument("--seeds", type=_whole, default=SEEDS, help="splits of each data set")
    parser.add_argument("--only", nargs="*", default=(), help="generators, by a part of the name")
    parser.add_argument(
        "--also", nargs="*", default=(), help="generators of your own: a file or module:Class"
    )
    parser.add_argument("--candidates", type=_whole, help="at most so many of each generator")
    parser.add_argument("--kept", type=Path, default=KEPT, help="folder of results")
    parser.add_argument("--processes", type=_whole, default=1, help="cases at once")
    parser.add_argument("--plot", type=Path, help="draw the figures into this file, a PNG")
    parser.add_argument("--markdown", action="store_true", help="print tables as Markdown")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser


def _render(results: Sequence[cases.Result]) -> None:
    console = Console(width=220)
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
    for each in table.tables(results):
        console.print(each)
    for sentence in table.stopped(results):
        console.print(sentence)
    for failed in (each for each in results if each.failed):
        console.print(f"{failed.case.generator} on {failed.case.data}: {failed.failed}")


if __name__ == "__main__":
    main()
