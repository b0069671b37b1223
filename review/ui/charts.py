"""Charts of figures over rounds: what they show, with the guard's limits and what real data has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lineage import bounds
from review.cli.output import number

ACCURACY: Final = "accuracy"
"""What mixes are judged by where a round names no figure of a task."""
REAL: Final = "real rows"
"""What real rows have beside other real rows."""
LIMIT: Final = "limit"
HIGHER: Final = "higher is better"
LOWER: Final = "lower is better"
NEARER: Final = "nearer to real rows is better"
UNPROMISING: Final = ""
"""No way is better."""


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of one round, with its 95 % interval where it has one."""

    round: int
    series: str
    value: float
    interval: tuple[float, float] | None = None
    """Its lower and its upper end."""


@dataclass(frozen=True, slots=True)
class Guide:
    """What a figure is held against in one round: a limit of the guard, or what real rows have."""

    round: int
    series: str
    """The series that it belongs to."""
    kind: str
    """`REAL` or `LIMIT`."""
    name: str
    """What it is, such as "blocks below"."""
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The title and the figures of a chart."""

    name: str
    title: str
    axis: str
    points: tuple[Point, ...]
    guides: tuple[Guide, ...] = ()
    better: str = UNPROMISING
    """Which way is better, in words."""
    stacked: bool = False

    @property
    def alternative(self) -> str:
        """The alternative text: all figures as words."""
        texts = [
            f"{name}: " + ", ".join(f"round {point.round} {text(point)}" for point in points)
            for name, points in self.rows.items()
        ]
        better = f"; {self.better}" if self.better else ""
        return f"{self.title}{better}. {'; '.join(texts)}"

    @property
    def numbers(self) -> list[int]:
        """Numbers of the rounds that have figures."""
        return sorted({point.round for point in self.points})

    @property
    def series(self) -> dict[str, list[Point]]:
        """Points by series."""
        return _by_name((point.series, point) for point in self.points)

    @property
    def rows(self) -> dict[str, list[Point]]:
        """Points by series, and behind them what they are held against, by its name."""
        guides = (
            (f"{guide.series}, {guide.name}", Point(guide.round, guide.series, guide.value))
            for guide in self.guides
        )
        return self.series | _by_name(guides)

    @property
    def legend(self) -> str:
        """What the lines of the chart mean, and which way is better, in a sentence."""
        kinds = {guide.kind for guide in self.guides}
        parts = [
            *([self.better] if self.better else []),
            *(["dashed: what real rows have"] if REAL in kinds else []),
            *(["dotted: limit of the guard"] if LIMIT in kinds else []),
        ]
        joined = "; ".join(parts)
        return f"{joined[:1].upper()}{joined[1:]}." if joined else ""


def _by_name(named: Iterator[tuple[str, Point]]) -> dict[str, list[Point]]:
    points: dict[str, list[Point]] = {}
    for name, point in named:
        points.setdefault(name, []).append(point)
    return points


@dataclass(frozen=True, slots=True)
class _Series:
    """Where a series of a chart is in a round's metrics, and the check that judges it."""

    name: str
    section: str
    figure: str
    check: str | None = None


SHAPES: Final = (
    ("coverage", "How much of real data a round covers", "share", HIGHER,
     (_Series("recall", "round", "recall", "recall_round"),
      _Series("coverage", "round", "coverage", "coverage_round"))),
    ("diversity", "Variance beside that of real data", "ratio", NEARER,
     (_Series("the round", "round", "variance", "variance_round"),
      _Series("the mix", "mix", "variance", "variance_mix"))),
)  # fmt: skip
"""Name, title, axis label, which way is better, and series; limits are ratios to real rows."""
FLAT: Final = (
    ("distance", "Real share", "share", HIGHER,
     (_Series("of the mix", "summary", "real_share", "real_share"),
      _Series("of direct inputs", "summary", "real_inputs", "real_inputs"))),
    ("depth", "Depth: generations from real data", "mean depth", LOWER,
     (_Series("accepted rows", "summary", "depth_mean", "depth_mean"),)),
)  # fmt: skip
"""The same of figures without an interval, whose limits are figures of the same kind."""


def of_rounds(entries: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Make the charts of a data set; those without figures are left out.

    Args:
        entries: rounds as `overview.collect` lists them, by number.
    """
    charts = [_downstream(entries)]
    charts += [
        Chart(
            name,
            title,
            axis,
            tuple(point for each in series for point in points(entries, each)),
            tuple(guide for each in series for guide in guides(entries, each)),
            better,
        )
        for kinds, points, guides in (
            (SHAPES, _intervals, _beside_real),
            (FLAT, _summaries, _flat_limits),
        )
        for name, title, axis, better, series in kinds
    ]
    seconds = tuple(_costs(entries))
    charts.append(Chart("cost", "Seconds by stage", "seconds", seconds, stacked=True))
    return [chart for chart in charts if chart.points]


def judged_by(metrics: Mapping[str, Any]) -> str:
    """The figure that the guard judges mixes by: that of the task, else accuracy."""
    return str(metrics.get("task") or ACCURACY)


def _downstream(entries: Sequence[Mapping[str, Any]]) -> Chart:
    """The figure that the guard judges mixes by, beside that of real data alone."""
    figures = dict.fromkeys(judged_by(entry["metrics"]) for entry in entries if entry["metrics"])
    named = " or ".join(figure.replace("_", "-") for figure in figures) or ACCURACY
    series = {"trained on the mix": "mix", "trained on real data": "real_only"}
    points: list[Point] = []
    guides: list[Guide] = []
    for name, classifier in series.items():
        for entry in entries:
            section = judged_by(entry["metrics"])
            points += _intervals([entry], _Series(name, section, classifier))
    for point in points:
        if point.series == "trained on real data":
            guides += _loss_limit(entries, point)
    title = f"{named[:1].upper()}{named[1:]} on real validation data"
    return Chart("downstream", title, named, tuple(points), tuple(guides), HIGHER)


def _loss_limit(entries: Sequence[Mapping[str, Any]], real: Point) -> Iterator[Guide]:
    """Where the loss against real data alone reaches the limit of the guard."""
    entry = next(entry for entry in entries if entry["round"] == real.round)
    for word, sign, limit in _limits(entry, "downstream_real"):
        if sign == ">":
            yield Guide(
                real.round, "trained on the mix", LIMIT, f"{word}s below", real.value - limit
            )


def _limits(entry: Mapping[str, Any], check: str | None) -> list[tuple[str, str, float]]:
    """The limits that block by a check of the guard's answer; where none does, those that warn."""
    checks = (entry.get("guard") or {}).get("checks", [])
    text = next((each["limit"] for each in checks if each["name"] == check), "")
    limits = list(bounds.read(text))
    return [each for each in limits if each[0] == "block"] or limits


def _intervals(entries: Sequence[Mapping[str, Any]], series: _Series) -> Iterator[Point]:
    for entry in entries:
        interval = (entry["metrics"].get(series.section) or {}).get(series.figure) or {}
        if interval.get("value") is not None:
            low, high = interval.get("low"), interval.get("high")
            ends = None if low is None or high is None else (low, high)
            yield Point(entry["round"], series.name, interval["value"], ends)


def _beside_real(entries: Sequence[Mapping[str, Any]], series: _Series) -> Iterator[Guide]:
    """What real rows have beside other real rows, and the limits, which are ratios to that."""
    for entry in entries:
        figure = (entry["metrics"].get(series.section) or {}).get(series.figure) or {}
        null = figure.get("null")
        if null is None or figure.get("value") is None:
            continue
        yield Guide(entry["round"], series.name, REAL, REAL, null)
        for word, sign, ratio in _limits(entry, series.check):
            name = f"{word}s {'below' if sign == '<' else 'above'}"
            yield Guide(entry["round"], series.name, LIMIT, name, ratio * null)


def _flat_limits(entries: Sequence[Mapping[str, Any]], series: _Series) -> Iterator[Guide]:
    for point in _summaries(entries, series):
        entry = next(entry for entry in entries if entry["round"] == point.round)
        for word, sign, limit in _limits(entry, series.check):
            name = f"{word}s {'below' if sign == '<' else 'above'}"
            yield Guide(point.round, series.name, LIMIT, name, limit)


def _summaries(entries: Sequence[Mapping[str, Any]], series: _Series) -> Iterator[Point]:
    for entry in entries:
        value = (entry["metrics"].get(series.section) or {}).get(series.figure)
        if value is not None:
            yield Point(entry["round"], series.name, value)


def _costs(entries: Sequence[Mapping[str, Any]]) -> Iterator[Point]:
    for entry in entries:
        for stage, units in entry["cost"].items():
            if "seconds" in units:
                yield Point(entry["round"], stage, units["seconds"])


def text(point: Point) -> str:
    """A figure with its interval, in words."""
    if point.interval is None:
        return number(point.value)
    low, high = point.interval
    return f"{number(point.value)} ({number(low)} to {number(high)})"
