"""Results of generators as tables: means over the seeds, with the lowest and the highest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table

from benchmarks.generators import worlds
from benchmarks.generators.cases import Result
from benchmarks.generators.contenders import UNSEEN
from benchmarks.generators.figures import ADDED, ALONE, Figures

NOTHING: Final = "nothing added"
"""The line of models of real rows alone."""
MISSING: Final = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """A column of the table."""

    name: str
    of: Callable[[Result], float | None]
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over seeds."""

    mean: float
    low: float
    """The lowest of a seed."""
    high: float
    seeds: int


def _shape(name: str) -> Callable[[Result], float | None]:
    def of(found: Result) -> float | None:
        measured = found.figures and found.figures.shape.get(name)
        return measured["value"] if measured else None

    return of


def _of(take: Callable[[Figures], float | None]) -> Callable[[Result], float | None]:
    return lambda found: None if found.figures is None else take(found.figures)


def _seconds(name: str) -> Callable[[Result], float | None]:
    return lambda found: found.seconds.get(name)


FIGURES: Final = (
    Figure("recall", _shape("recall")),
    Figure("coverage", _shape("coverage")),
    Figure("precision", _shape("precision")),
    Figure("density", _shape("density")),
    Figure("label errors", _shape("label_errors")),
    Figure("told from real", _shape("c2st")),
    Figure("near copies", _of(lambda found: found.near_copies)),
    Figure("memorised", _shape("memorised_ratio")),
    Figure("accepted", _of(lambda found: found.accepted / max(found.made, 1))),
    Figure("alone", _of(lambda found: found.scores.get(ALONE)), 3),
    Figure("added", _of(lambda found: found.scores.get(ADDED)), 3),
    Figure("gain", _of(lambda found: found.gain.get("value")), 3),
    Figure("learn s", _seconds("fit_s"), 1),
    Figure("learn CPU s", _seconds("fit_cpu_s"), 1),
    Figure("make s", _seconds("make_s"), 1),
    Figure("make CPU s", _seconds("make_cpu_s"), 1),
    Figure("dollars", lambda found: found.dollars),
)
BY_NAME: Final[Mapping[str, Figure]] = {each.name: each for each in FIGURES}


def spread(results: Sequence[Result], figure: Figure) -> Spread | None:
    """Take a figure over the seeds of a generator; None where no seed has it."""
    values = [value for each in results if (value := figure.of(each)) is not None]
    if not values:
        return None
    return Spread(sum(values) / len(values), min(values), max(values), len(values))


def grouped(results: Sequence[Result]) -> dict[str, dict[str, list[Result]]]:
    """Put results by data set and generator, in the order in which they come."""
    found: dict[str, dict[str, list[Result]]] = {}
    for each in results:
        found.setdefault(each.case.data, {}).setdefault(each.case.generator, []).append(each)
    return found


def real_only(results: Mapping[str, Sequence[Result]]) -> Spread | None:
    """The score of models of real rows alone, which is the same for all generators."""
    figure = Figure("real only", _of(lambda found: found.scores.get("real_only")), 3)
    return spread(next(iter(results.values())), figure)


def tables(results: Sequence[Result]) -> Iterator[Table]:
    """Make a table for each data set."""
    for data, found in grouped(results).items():
        shown = [figure for figure in FIGURES if _any(found, figure)]
        table = Table(title=title(data, found), title_justify="left")
        table.add_column("generator")
        for figure in shown:
            table.add_column(figure.name, justify="right")
        for name, each in found.items():
            table.add_row(name, *(written(spread(each, figure), figure) for figure in shown))
        alone = written(real_only(found), BY_NAME["added"])
        cells = [alone if each.name == "added" else MISSING for each in shown]
        table.add_row(NOTHING, *cells)
        yield table


def stopped(results: Sequence[Result]) -> list[str]:
    """Say which rounds the suite would stop as a whole, and why."""
    return [
        f"{each.case.data}, {each.case.generator}, seed {each.case.seed}: the suite would stop the "
        f"round as a whole ({each.figures.stopped}); its rows are decided on by themselves"
        for each in results
        if each.figures is not None and each.figures.stopped
    ]


def markdown(results: Sequence[Result]) -> str:
    """Write the tables as Markdown, and which rounds the suite would stop."""
    lines: list[str] = []
    for table in tables(results):
        heads = [str(column.header) for column in table.columns]
        cells = [list(column.cells) for column in table.columns]
        lines += [f"**{table.title}**", "", f"| {' | '.join(heads)} |"]
        lines += [f"|---|{'---:|' * (len(heads) - 1)}"]
        lines += [f"| {' | '.join(map(str, row))} |" for row in zip(*cells, strict=True)]
        lines += [""]
    return "\n".join([*lines, *(f"- {each}" for each in stopped(results))])


def title(data: str, found: Mapping[str, Sequence[Result]]) -> str:
    """Say how many rows there are, and what is scored."""
    every = [each for several in found.values() for each in several]
    first = next(iter(every))
    seeds = len({each.case.seed for each in every})
    scored = next((each.figures.task for each in every if each.figures), "")
    measured = {each.figures.n for each in every if each.figures}
    n = " to ".join(f"{each:,}" for each in sorted({min(measured), max(measured)}))
    return (
        f"{data}: {first.train:,} training rows, {first.candidates:,} candidates, "
        f"{first.test:,} test rows; shape on {n} rows; scored by {scored}; "
        f"{seeds} seed{'s' if seeds > 1 else ''}"
    )


def written(found: Spread | None, figure: Figure) -> str:
    """Write a figure: the mean, and between which values the seeds are."""
    if found is None:
        return MISSING
    mean, low, high = (f"{each:.{figure.digits}f}" for each in (found.mean, found.low, found.high))
    return mean if low == high else f"{mean} ({low} to {high})"


def record(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything as JSON: each result, and what failed."""
    return {
        "unseen": UNSEEN,
        "results": [each.to_dict() for each in results],
        "failed": [
            {"data": each.case.data, "generator": each.case.generator, "reason": each.failed}
            for each in results
            if each.failed
        ],
    }


def _any(found: Mapping[str, Sequence[Result]], figure: Figure) -> bool:
    return any(spread(each, figure) is not None for each in found.values())


def order(data: str) -> int:
    """Place of a data set among all."""
    return [name for names in worlds.DATA.values() for name in names].index(data)
