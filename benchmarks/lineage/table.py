"""The figures as a table, as JSON, and beside their goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.lineage.measure import FLOOR, OURS, Timing
from benchmarks.lineage.world import World

NUMBERS: Final = ("runs", "minimum s", "median s", "CPU s", "× ours (minimum)", "× ours (median)")


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit for our median, and the rule that it comes from."""

    work: str
    title: str
    rule: str
    limit: float
    seconds: float

    @property
    def met(self) -> bool:
        """Whether we keep within it."""
        return self.seconds <= self.limit

    def sentence(self) -> str:
        """Say what came of it."""
        word = "met" if self.met else "missed"
        return (
            f"{word}: {self.title} ≤ {self.rule}: {amount(self.seconds)} of {amount(self.limit)} s"
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What was measured on one world."""

    world: World
    timings: Sequence[Timing]

    def title(self) -> str:
        """Say how large the world is."""
        world = self.world
        return f"{world.rounds} rounds × {world.rows:,} samples"

    def median(self, work: str, engine: str = OURS) -> float | None:
        """Median seconds of an engine; None where there are none that count."""
        found = [each for each in self.timings if (each.work.key, each.engine) == (work, engine)]
        return found[0].seconds() if found and found[0].runs else None

    def goals(self) -> list[Goal]:
        """The goals whose figures were measured."""
        build = self.median("build")
        limits = [
            ("derive", "3 × the floor", _times(3, self.median("derive", FLOOR))),
            ("derive", "DuckDB / 10", _times(0.1, self.median("derive", "duckdb"))),
            ("descendants", "0.05 s", 0.05),
            ("ancestors", "1 ms", 0.001),
            ("open", "0.1 s", 0.1),
            ("extend-last", "1.5 × a round of the build", _times(1.5 / self.world.rounds, build)),
            (
                "extend-last",
                "1.5 × the extension of a lake of 1 round",
                _times(1.5, self.median("extend-first")),
            ),
        ]
        known = [(work, rule, limit, self.median(work)) for work, rule, limit in limits]
        return [
            Goal(work, _titles(self.timings)[work], rule, limit, seconds)
            for work, rule, limit, seconds in known
            if limit is not None and seconds is not None
        ]

    def record(self) -> dict[str, Any]:
        """The JSON form."""
        keys = list(dict.fromkeys(each.work.key for each in self.timings))
        works = {
            key: {
                "title": _titles(self.timings)[key],
                "engines": [each.record() for each in self.timings if each.work.key == key],
            }
            for key in keys
        }
        goals = [{**asdict(goal), "met": goal.met} for goal in self.goals()]
        return {
            "rounds": self.world.rounds,
            "rows": self.world.rows,
            "works": works,
            "goals": goals,
        }


def render(parts: Sequence[Part], where: Mapping[str, Any], console: Console) -> None:
    """Print the figures, and what came of the goals."""
    console.print(", ".join(f"{name} {value}" for name, value in where.items()))
    for part in parts:
        console.print(_table(part))
    for goal in parts[0].goals():
        console.print(goal.sentence())


def _table(part: Part) -> Table:
    table = Table("work", "engine", title=part.title())
    for head in NUMBERS:
        table.add_column(head, justify="right")
    table.add_column("remark", overflow="fold")
    ours = {each.work.key: each for each in part.timings if each.engine == OURS}
    seen = ""
    for timing in part.timings:
        title = "" if timing.work.key == seen else timing.work.title
        seen = timing.work.key
        table.add_row(title, timing.name, *_numbers(timing, ours[seen]), timing.remark)
    return table


def _numbers(timing: Timing, ours: Timing) -> list[str]:
    """The columns `NUMBERS`; empty where no time counts."""
    if not timing.runs:
        return [""] * len(NUMBERS)
    taken = [amount(each) for each in (timing.seconds(min), timing.seconds(), timing.cpu())]
    ratios = [
        f"{timing.seconds(of) / ours.seconds(of):.3g}" if ours.runs else "" for of in (min, median)
    ]
    return [str(len(timing.runs)), *taken, *ratios]


def _titles(timings: Sequence[Timing]) -> dict[str, str]:
    return {each.work.key: each.work.title for each in timings}


def _times(factor: float, seconds: float | None) -> float | None:
    return None if seconds is None else factor * seconds


def amount(seconds: float) -> str:
    """Seconds with three digits."""
    return f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.3g}"  # noqa: PLR2004
