"""Does the guard see collapse in time, and nothing else? `python -m benchmarks.guard`.

Lines of rounds are followed whatever the guard says: healthy ones, which accumulate all data, must
never be blocked; ones that replace their data must be blocked before what is trained on them has
lost two points on real data; ones that draw as many rows as there are real ones from all data
before models that no check uses have lost one. An alarm is a block by the default limits; a
warning is none.

`--crafted` judges single rounds instead, each made to break a promise of the guard, beside healthy
ones. Harm is measured by models that no check uses. Results are kept, so a run goes on where it was
ended.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.crafted import cases, curves, picture, table
from benchmarks.crafted.bench import BENCHES
from benchmarks.guard_runs import SUBSAMPLE, Generator, follow
from benchmarks.measured import machine
from pipelines.common.progress import track

ROUNDS: Final = {"accumulate": 5, "replace": 6, SUBSAMPLE: 4}
"""Rounds that a line is followed for, by regime."""
DROP: Final = 0.02
"""Loss of accuracy against real data alone that an alarm must come before."""
POINT: Final = 0.01
"""The same of models that no check uses, where these are trained."""
FAMILIES: Final = {
    "ancestry": ("real_", "depth_", "opaque_"),
    "shape": ("recall_", "coverage_", "variance_", "tail_"),
    "cost": ("downstream_",),
}
"""What the checks are about, by the start of their names."""
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
KEPT: Final = Path(".stemma") / "crafted"
"""Folder of results of crafted rounds."""
FIGURES: Final = ("real_share", "recall_mix", "coverage_mix", "variance_mix")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the guard said of a round."""

    round: int
    lost: float
    verdict: str
    blocking: tuple[str, ...]
    values: Mapping[str, float | None]
    """The figure of each check."""
    apart: float | None = None
    """Loss of models that no check uses, on rows that none sees; None where none were trained."""

    @property
    def is_lost(self) -> bool:
        """Whether what an alarm must come before has happened."""
        if self.apart is not None:
            return self.apart >= POINT - 1e-9
        return self.lost >= DROP - 1e-9


@dataclass(frozen=True, slots=True)
class Line:
    """A line of rounds."""

    seed: int
    regime: str
    rounds: tuple[Seen, ...]

    @property
    def alarm(self) -> int | None:
        """The first round that is blocked."""
        return next((seen.round for seen in self.rounds if seen.blocking), None)

    @property
    def drop(self) -> int | None:
        """The first round with which so much is lost that an alarm is due."""
        return next((seen.round for seen in self.rounds if seen.is_lost), None)

    @property
    def in_time(self) -> bool:
        """Whether no mix that lost so much would have been published."""
        if self.alarm is None:
            return self.regime == SUBSAMPLE and self.drop is None
        return self.drop is None or self.alarm <= self.drop

    @property
    def before(self) -> bool:
        """Whether an earlier round is blocked than the one with which so much is lost."""
        return self.alarm is not None and (self.drop is None or self.alarm < self.drop)

    def first(self, family: str) -> int | None:
        """The first round that checks of one family block."""
        starts = FAMILIES[family]
        blocked = (seen.round for seen in self.rounds if any(map(_of(starts), seen.blocking)))
        return next(blocked, None)


def _of(starts: tuple[str, ...]) -> Any:  # noqa: ANN401  a predicate
    return lambda name: name.startswith(starts)


def main() -> None:
    """Parse the command line, follow the lines, and print tables or JSON."""
    shipped = Generator()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--seeds", type=int, help="lines of each regime (20), or splits (6)")
    parser.add_argument("--crafted", action="store_true", help="rounds that were made to break it")
    parser.add_argument("--data", choices=list(BENCHES), default="digits", help="of crafted rounds")
    parser.add_argument("--only", nargs="*", default=(), help="kinds of crafted rounds, by a part")
    parser.add_argument("--picture", type=Path, help="draw crafted rounds into this file, and end")
    parser.add_argument("--curves", type=Path, help="draw what is seen into this file besides")
    parser.add_argument(
        "--kept", type=Path, default=KEPT, help="folder of results of crafted rounds"
    )
    parser.add_argument("--again", nargs="*", default=(), help="metrics that measure kept rounds")
    parser.add_argument("--processes", type=int, default=2, help="lines followed at once")
    most = max(ROUNDS.values())
    parser.add_argument("--rounds", type=int, default=most, help="follow a line no farther")
    parser.add_argument("--components", type=int, default=shipped.components, help="per mixture")
    parser.add_argument("--candidates", type=int, default=shipped.candidates, help="per round")
    arguments = parser.parse_args()
    if arguments.crafted:
        _crafted(arguments)
        return
    generator = Generator(components=arguments.components, candidates=arguments.candidates)
    lines = run(arguments.seeds or 20, generator, arguments.rounds, arguments.processes)
    if arguments.curves:
        curves.of_lines([_record(each) for each in lines], arguments.curves)
    if arguments.json:
        content = {"generator": asdict(generator), "summary": summary(lines)}
        shown = {**machine(), **content, "lines": [_record(line) for line in lines]}
        print(json.dumps(shown, indent=2))
    else:
        render(lines, Console(width=150))


def _crafted(arguments: argparse.Namespace) -> None:
    """Judge crafted rounds, and print what was caught, missed and false."""
    if arguments.picture:
        picture.write(arguments.data, arguments.picture, arguments.kept)
        return
    asked = cases.all_cases(arguments.seeds or 6, arguments.only, arguments.data)
    results = cases.run(asked, arguments.kept, arguments.processes, arguments.again)
    if arguments.curves:
        curves.of_kinds(results, arguments.curves)
    if arguments.json:
        print(json.dumps({**machine(), **table.record(results)}, indent=2))
        return
    console = Console(width=150)
    for each in table.tables(results):
        console.print(each)


def run(seeds: int, generator: Generator, rounds: int, processes: int) -> list[Line]:
    """Follow a line of each regime for each seed."""
    jobs = list(product(ROUNDS, range(seeds)))
    work = partial(line, generator=generator, rounds=rounds)
    os.environ |= ONE_THREAD  # of each process; it must be set before their libraries load
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(work, *job) for job in jobs]
        return [future.result() for future in track(waiting, "lines")]


def line(regime: str, seed: int, generator: Generator, rounds: int) -> Line:
    """Follow one line."""
    judged = follow(seed, regime, min(ROUNDS[regime], rounds), generator)
    return Line(
        seed,
        regime,
        tuple(
            Seen(
                round=round_.round,
                lost=round_.lost,
                verdict=round_.result.verdict,
                blocking=round_.result.blocking,
                values={item.name: item.value for item in round_.result.checks},
                apart=round_.apart,
            )
            for round_ in judged
        ),
    )


def summary(lines: Iterable[Line]) -> str:
    """The answer in one line."""
    ours = {regime: [each for each in lines if each.regime == regime] for regime in ROUNDS}
    false = sum(each.alarm is not None for each in ours["accumulate"])
    timely, before = (sum(map(test, ours["replace"])) for test in (_in_time, _before))
    thinned = sum(map(_in_time, ours[SUBSAMPLE]))
    return (
        f"false alarms {false}/{len(ours['accumulate'])}; "
        f"alarms in time {timely}/{len(ours['replace'])} "
        f"({before} in an earlier round than the loss of two points); "
        f"{SUBSAMPLE}: no published mix has lost a point in {thinned}/{len(ours[SUBSAMPLE])}"
    )


def _in_time(line_: Line) -> bool:
    return line_.in_time


def _before(line_: Line) -> bool:
    return line_.before


def _record(line_: Line) -> dict[str, Any]:
    return {**asdict(line_), "alarm": line_.alarm, "drop": line_.drop, "in_time": line_.in_time}


def render(lines: Sequence[Line], console: Console) -> None:
    """Print what was seen by regime and round, then line by line, then the answer."""
    console.print(_by_round(lines))
    for regime, what in (("replace", "loss of two points"), (SUBSAMPLE, "loss of a point")):
        console.print(_by_line([each for each in lines if each.regime == regime], regime, what))
    console.print(summary(lines))


def _by_round(lines: Sequence[Line]) -> Table:
    listed = Table(title=", ".join(f"{name} {value}" for name, value in machine().items()))
    heads = (
        "regime",
        "round",
        "loss (mean, worst)",
        "of others",
        *FIGURES,
        "pass, warn, block",
        "blocked by",
    )
    for head in heads:
        listed.add_column(head)
    for regime in ROUNDS:
        ours = [line_.rounds for line_ in lines if line_.regime == regime]
        for seen in zip(*ours, strict=True):
            listed.add_row(regime, *_row(seen))
    return listed


def _row(seen: Sequence[Seen]) -> list[str]:
    """One round of all lines of a regime."""
    verdicts = Counter(round_.verdict for round_ in seen)
    blocking = Counter(name for round_ in seen for name in round_.blocking)
    return [
        f"{seen[0].round}",
        _losses([round_.lost for round_ in seen]),
        _losses([round_.apart for round_ in seen if round_.apart is not None]),
        *(_mean([round_.values[name] for round_ in seen]) for name in FIGURES),
        ", ".join(f"{verdicts[word]}" for word in ("pass", "warn", "block")),
        ", ".join(f"{name} {count}" for name, count in blocking.most_common()),
    ]


def _losses(losses: Sequence[float]) -> str:
    return f"{sum(losses) / len(losses):.3f}, {max(losses):.3f}" if losses else "–"


def _mean(values: Sequence[float | None]) -> str:
    numbers = [value for value in values if value is not None]
    return f"{sum(numbers) / len(numbers):.2f}" if numbers else "unknown"


def _by_line(lines: Sequence[Line], regime: str, loss: str) -> Table:
    """How many lines are blocked when, by which checks, and lose so much when."""
    last = max(len(each.rounds) for each in lines)
    listed = Table(title=f"lines of {regime}, by the round in which it comes first ({last} rounds)")
    for head in ("first", *(f"round {number}" for number in range(1, last + 1)), "never"):
        listed.add_column(head)
    events = {
        loss: [each.drop for each in lines],
        "alarm": [each.alarm for each in lines],
        **{f"alarm by {name} alone": [each.first(name) for each in lines] for name in FAMILIES},
    }
    for name, rounds in events.items():
        counted = Counter(rounds)
        cells = [counted[number] for number in (*range(1, last + 1), None)]
        listed.add_row(name, *(f"{count}" if count else "" for count in cells))
    return listed


if __name__ == "__main__":
    main()
