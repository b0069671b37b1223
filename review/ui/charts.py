"""Charts of figures over rounds, rendered as SVG in two themes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lake.visible import mark_unprintable
from review.cli.output import number

THEMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "light": {"ink": "#56606a", "line": "#e3e7eb", "hues": ["#1d5fb4", "#b35900", "#7b8894"]},
    "dark": {"ink": "#a2abb3", "line": "#31373d", "hues": ["#8ab8ff", "#f2ae66", "#8d99a5"]},
}
SIZE: Final = (400, 230)
"""Width and height of a chart in pixels."""
FONT: Final = "system-ui, sans-serif"
_DRAWING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of one round, with its 95 % interval where it has one."""

    round: int
    series: str
    value: float
    interval: tuple[float, float] | None = None
    """Its lower and its upper end."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The title and the figures of a chart."""

    name: str
    title: str
    axis: str
    points: tuple[Point, ...]
    stacked: bool = False

    @property
    def alternative(self) -> str:
        """The alternative text: all figures as words."""
        texts = [
            f"{series}: "
            + ", ".join(f"round {point.round} {_point_text(point)}" for point in points)
            for series, points in self.series.items()
        ]
        return f"{self.title}. {'; '.join(texts)}"

    @property
    def numbers(self) -> list[int]:
        """Numbers of the rounds that have figures."""
        return sorted({point.round for point in self.points})

    @property
    def series(self) -> dict[str, list[Point]]:
        """Points by series."""
        series_points: dict[str, list[Point]] = {}
        for point in self.points:
            series_points.setdefault(point.series, []).append(point)
        return series_points


ACCURACY: Final = "accuracy"
"""Group of the downstream score; where the data has no labels, it is the figure of its task."""
LINES: Final = (
    ("downstream", "Downstream score on real validation data", "score",
     {"trained on the mix": (ACCURACY, "mix"),
      "trained on real data": (ACCURACY, "real_only")}),
    ("coverage", "How much of real data a round covers", "share",
     {"recall": ("round", "recall"), "coverage": ("round", "coverage")}),
    ("diversity", "Variance beside that of real data", "ratio",
     {"the round": ("round", "variance"), "the mix": ("mix", "variance")}),
)  # fmt: skip
"""Name, title, axis label, and by series its group and name in a manifest's metrics."""
FLAT: Final = (
    ("distance", "Real share", "share",
     {"of the mix": "real_share", "of direct inputs": "real_inputs"}),
    ("depth", "Generations from real data", "mean depth", {"accepted rows": "depth_mean"}),
)  # fmt: skip
"""Name, title, axis label, and by series its name in the summary of the metrics."""


def of_rounds(entries: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Make the charts of a data set; those without figures are left out.

    Args:
        entries: rounds as `overview.collect` lists them, by number.
    """
    charts = [
        Chart(name, title, axis, tuple(_intervals(entries, series)))
        for name, title, axis, series in LINES
    ]
    charts += [
        Chart(name, title, axis, tuple(_summaries(entries, series)))
        for name, title, axis, series in FLAT
    ]
    charts.append(
        Chart("cost", "Seconds by stage", "seconds", tuple(_costs(entries)), stacked=True)
    )
    return [chart for chart in charts if chart.points]


def svg(chart: Chart, theme: str) -> bytes:
    """Render a chart as SVG.

    Args:
        chart: the chart.
        theme: a key of `THEMES`.
    """
    return _drawn(json.dumps(spec(chart, theme)))


@lru_cache(maxsize=128)
def _drawn(spec: str) -> bytes:
    import vl_convert  # noqa: PLC0415  loads an engine of its own

    with _DRAWING:
        return mark_unprintable(str(vl_convert.vegalite_to_svg(spec))).encode()


def spec(chart: Chart, name: str) -> dict[str, Any]:
    """The Vega-Lite specification of a chart in a theme."""
    import altair as alt  # noqa: PLC0415  takes a second to import

    theme = THEMES[name]
    rows = [_row(point) for point in chart.points]
    order = list(chart.series)
    symbol = "square" if chart.stacked else "circle"
    legend = alt.Legend(
        title=None, orient="top", symbolType=symbol, columnPadding=26, symbolOpacity=1
    )
    colour = alt.Color(
        "series:N",
        sort=order,
        legend=legend if len(order) > 1 else None,
        scale=alt.Scale(domain=order, range=_hues(theme, len(order))),
    )
    base = alt.Chart({"values": rows}).encode(
        x=alt.X("round:O", title="round", axis=alt.Axis(labelAngle=0), scale=alt.Scale(padding=0.6))
    )
    scale = alt.Scale(zero=chart.stacked, nice=True)
    y = alt.Y("value:Q", title=chart.axis, scale=scale)
    if chart.stacked:
        drawn: Any = base.mark_bar(size=22).encode(y=y, color=colour)
    else:
        drawn = alt.layer(*_with_intervals(base, order, colour, y))
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    sized = drawn.properties(
        width=SIZE[0], height=SIZE[1], background="transparent", autosize=fit, padding=4
    )
    result: dict[str, Any] = _themed(sized, theme).to_dict()
    return result


def _row(point: Point) -> dict[str, Any]:
    low, high = point.interval or (None, None)
    return {
        "round": point.round,
        "series": point.series,
        "value": point.value,
        "low": low,
        "high": high,
    }


def _with_intervals(base: Any, order: Sequence[str], colour: Any, y: Any) -> list[Any]:  # noqa: ANN401  parts of a chart
    """Lines and intervals, shifted by series so that intervals do not overlap."""
    layers = []
    for index, name in enumerate(order):
        shift = 7 * index - 7 * (len(order) - 1) / 2
        selected = base.transform_filter({"field": "series", "equal": name})
        bars = selected.transform_filter("datum.low != null").mark_rule(
            strokeWidth=2, opacity=0.5, xOffset=shift
        )
        ends = y.copy()
        ends.shorthand = "low:Q"
        lines = selected.mark_line(strokeWidth=2, xOffset=shift)
        points = selected.mark_circle(size=48, opacity=1, xOffset=shift)
        layers += [
            bars.encode(y=ends, y2="high:Q", color=colour),
            lines.encode(y=y, color=colour),
            points.encode(y=y, color=colour),
        ]
    return layers


def _themed(drawn: Any, theme: Mapping[str, Any]) -> Any:  # noqa: ANN401  any kind of chart
    ink, line = theme["ink"], theme["line"]
    axis = {"labelColor": ink, "titleColor": ink, "gridColor": line, "domainColor": line,
            "tickColor": line, "titleFontWeight": "normal", "tickCount": 5}  # fmt: skip
    return drawn.configure(
        font=FONT, axis=axis, legend={"labelColor": ink}, view={"stroke": None}
    )  # fmt: skip


def _hues(theme: Mapping[str, Any], count: int) -> list[str]:
    """One colour per series."""
    more = ["#4f9d69", "#a06cc0", "#c2577a", "#3f9aa6", "#8c8f3d"]
    return [*theme["hues"], *more, *more][:count]


def _intervals(
    entries: Sequence[Mapping[str, Any]], series: Mapping[str, tuple[str, str]]
) -> Iterator[Point]:
    for name, (group, metric) in series.items():
        for entry in entries:
            metrics = entry["metrics"]
            judging = group == ACCURACY and ACCURACY not in metrics
            scores = metrics.get(metrics.get("task") if judging else group) or {}
            interval = scores.get(metric) or {}
            if interval.get("value") is not None:
                low, high = interval.get("low"), interval.get("high")
                ends = None if low is None or high is None else (low, high)
                yield Point(entry["round"], name, interval["value"], ends)


def _summaries(entries: Sequence[Mapping[str, Any]], series: Mapping[str, str]) -> Iterator[Point]:
    for name, metric in series.items():
        for entry in entries:
            value = (entry["metrics"].get("summary") or {}).get(metric)
            if value is not None:
                yield Point(entry["round"], name, value)


def _costs(entries: Sequence[Mapping[str, Any]]) -> Iterator[Point]:
    for entry in entries:
        for stage, units in entry["cost"].items():
            if "seconds" in units:
                yield Point(entry["round"], stage, units["seconds"])


def _point_text(point: Point) -> str:
    if point.interval is None:
        return number(point.value)
    low, high = point.interval
    return f"{number(point.value)} ({number(low)} to {number(high)})"
