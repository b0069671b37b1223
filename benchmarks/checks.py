"""How often do the checks that a project asks for warn, of healthy lines and of bad ones?

Images (digits), texts (dialogues) and tables, each with splits by seed. Healthy rounds are real
rows that were withheld, such with noise, and what a generator of the package makes; bad lines are
broken in one way each. Nothing is trained but the suite's classifier. Limits were chosen on the
seeds from 100 on, and seeds 0 to 19 judge:

    python -m benchmarks.checks [--seeds N] [--first SEED] [--data images,texts,tables] [--json]
    python -m benchmarks.checks --from FILE...
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.optional import lines
from benchmarks.optional.runs import BAD, HEALTHY, Data, Run
from expectations.errors import SuiteError
from pipelines.common import progress
from pipelines.rounds.guard_checks import CHECKS

SEEDS: Final = 20
DATA: Final = ("images", "texts", "tables")

SETTINGS: Final = {"effective_generators": {"warn": 1.5}}
"""Of a check that has no limit by default."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check says of the last round of a run."""

    data: str
    seed: int
    run: str
    check: str
    value: float | None
    verdict: str


def judgements(name: str, seed: int) -> Iterator[Judgement]:
    """Judge the last rounds of all runs of a split."""
    data = Data.of(name, seed)
    for run in (*HEALTHY, *BAD):
        *_, last = run.make(data)
        for check, result in lines.judged(last, SETTINGS):
            yield Judgement(name, seed, run.name, check, result.value, result.verdict)


def _without_suite(found: Iterator[Judgement]) -> Iterator[Judgement]:
    """Leave out a split for which no suite can be written, and say so."""
    try:
        yield from found
    except SuiteError as error:
        print(f"left out: {error}", file=sys.stderr)


def table(found: Sequence[Judgement]) -> Iterator[str]:
    """Render how often each check warns: a line for each check and kind of data."""
    head = ("check", "data", *(run.name for run in HEALTHY), "the run it is for")
    yield f"| {' | '.join(head)} |"
    yield "|---|---|" + "---:|" * (len(head) - 3) + "---|"
    for check in CHECKS.names():
        for data in dict.fromkeys(each.data for each in found):
            own = [each for each in found if (each.check, each.data) == (check, data)]
            meant = [run for run in BAD if check in run.for_checks]
            cells = [_cell(own, run) for run in HEALTHY]
            bad = "; ".join(f"{run.name}: {_cell(own, run)}" for run in meant)
            yield f"| `{check}` | {data} | {' | '.join(cells)} | {bad} |"


def _cell(found: Sequence[Judgement], run: Run) -> str:
    """Rounds that are warned of, of those that are measured, and the range of the figure."""
    own = [each for each in found if each.run == run.name and each.verdict in ("warn", "pass")]
    if not own:
        return "–"
    values = sorted(each.value for each in own if each.value is not None)
    ends = f" ({values[0]:.2f} to {values[-1]:.2f})" if values else ""
    return f"{sum(each.verdict == 'warn' for each in own)} of {len(own)}{ends}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the runs of each split, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"splits ({SEEDS})")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--data", default=",".join(DATA), help="kinds of data, of %(default)s")
    parser.add_argument("--json", action="store_true", help="print a line of JSON each instead")
    parser.add_argument("--from", dest="files", nargs="+", type=Path, help="lines of --json")
    asked = parser.parse_args(arguments)
    kinds = asked.data.split(",")
    if unknown := [name for name in kinds if name not in DATA]:
        parser.error(f"--data has no {unknown[0]!r}; it is of {', '.join(DATA)}")
    if asked.files:
        lines_of = (line for each in asked.files for line in each.read_text().splitlines())
        print("\n".join(table([Judgement(**json.loads(line)) for line in lines_of])))
        return
    found: list[Judgement] = []
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        for name in kinds:
            with progress.bar(asked.seeds, f"splits of {name}") as told:
                for done in range(asked.seeds):
                    for each in _without_suite(judgements(name, asked.first + done)):
                        found.append(each)
                        if asked.json:
                            print(json.dumps(asdict(each)), flush=True)
                    told(done + 1, asked.seeds)
    if not asked.json:
        print("\n".join(table(found)))


if __name__ == "__main__":
    main()
