"""Draws charts as SVG, for light and dark pages at once, with the figures where a pointer rests."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from lake.visible import mark_unprintable
from review.ui.charts import LIMIT, REAL, Chart, Guide, Point, text

THEMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "light": {"ink": "#56606a", "line": "#e3e7eb", "hues": ["#1d5fb4", "#b35900", "#7b8894"]},
    "dark": {"ink": "#a2abb3", "line": "#31373d", "hues": ["#8ab8ff", "#f2ae66", "#8d99a5"]},
}
SIZE: Final = (400, 230)
"""Width and height of a chart in pixels."""
FONT: Final = "system-ui, sans-serif"
DASHES: Final[Mapping[str, Sequence[int]]] = {REAL: (6, 4), LIMIT: (1, 3)}
"""Lengths of strokes and gaps of the lines that figures are held against, by kind."""
_SIZED: Final = re.compile(r'(<svg[^>]*?) width="[0-9.]+" height="[0-9.]+"')
_LABELLED: Final = re.compile(r'(<path aria-label="([^"]*)"[^>]*?)/>')
"""A mark with words of its own."""
_DRAWING: Final = threading.Lock()


def svg(chart: Chart) -> bytes:
    """Render a chart as SVG of any size, in the colours of the page that it is shown in.

    Marks say their figures where a pointer rests on them.
    """
    return _drawn(json.dumps(spec(chart, "light")))


@lru_cache(maxsize=128)
def _drawn(specification: str) -> bytes:
    import vl_convert  # noqa: PLC0415  loads an engine of its own

    with _DRAWING:
        drawn = mark_unprintable(str(vl_convert.vegalite_to_svg(specification)))
    scaled = _SIZED.sub(r"\1", drawn, count=1)
    titled = _LABELLED.sub(r"\1><title>\2</title></path>", scaled)
    head, end, body = titled.partition(">")
    return f"{head}{end}<style>{_dark()}</style>{body}".encode()


def _dark() -> str:
    """The style by which each colour of the light theme becomes that of the dark one."""
    pairs = dict(zip(_colours(THEMES["light"]), _colours(THEMES["dark"]), strict=True))
    rules = [
        f'[{side}="{light}"]{{{side}:{dark}}}'
        for light, dark in pairs.items()
        for side in ("fill", "stroke")
    ]
    dark = f"@media (prefers-color-scheme: dark) {{{''.join(rules)}}}"
    return f":root{{color-scheme:light dark}}{dark}"


def _colours(theme: Mapping[str, Any]) -> list[str]:
    return [theme["ink"], theme["line"], *theme["hues"]]


def spec(chart: Chart, name: str) -> dict[str, Any]:
    """The Vega-Lite specification of a chart in a theme."""
    import altair as alt  # noqa: PLC0415  takes a second to import

    theme = THEMES[name]
    rows = [_row(point) for point in chart.points] + [_guide_row(each) for each in chart.guides]
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
        drawn: Any = base.mark_bar(size=22).encode(y=y, color=colour, **_words())
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
        "kind": "figure",
        "value": point.value,
        "low": low,
        "high": high,
        "words": f"{point.series}, round {point.round}: {text(point)}",
    }


def _guide_row(guide: Guide) -> dict[str, Any]:
    words = f"{guide.series}, {guide.name}, round {guide.round}: {guide.value:,.3f}"
    return {
        "round": guide.round,
        "series": guide.series,
        "kind": guide.kind,
        "name": guide.name,
        "value": guide.value,
        "words": words,
    }


def _words() -> dict[str, Any]:
    """Encodings by which a mark says its figure, in a drawing and in a notebook."""
    import altair as alt  # noqa: PLC0415  as above

    return {"description": alt.Description("words:N"), "tooltip": alt.Tooltip("words:N", title="")}


def _with_intervals(base: Any, order: Sequence[str], colour: Any, y: Any) -> list[Any]:  # noqa: ANN401  parts of a chart
    """Lines and intervals, shifted by series so that intervals do not overlap."""
    layers = []
    for index, name in enumerate(order):
        shift = 7 * index - 7 * (len(order) - 1) / 2
        selected = base.transform_filter({"field": "series", "equal": name})
        figures = selected.transform_filter({"field": "kind", "equal": "figure"})
        bars = figures.transform_filter("datum.low != null").mark_rule(
            strokeWidth=2, opacity=0.5, xOffset=shift, aria=False
        )
        ends = y.copy()
        ends.shorthand = "low:Q"
        lines = figures.mark_line(strokeWidth=2, xOffset=shift, aria=False)
        points = figures.mark_circle(size=48, opacity=1, xOffset=shift, aria=False)
        around = figures.mark_circle(size=420, opacity=0, xOffset=shift)
        layers += [
            *_guides(selected, y, colour, shift),
            bars.encode(y=ends, y2="high:Q", color=colour),
            lines.encode(y=y, color=colour),
            points.encode(y=y, color=colour),
            around.encode(y=y, color=colour, **_words()),
        ]
    return layers


def _guides(selected: Any, y: Any, colour: Any, shift: float) -> list[Any]:  # noqa: ANN401  parts of a chart
    """What the figures of a series are held against: a line, and a stroke in each round."""
    layers = []
    for kind, dashes in DASHES.items():
        guides = selected.transform_filter({"field": "kind", "equal": kind})
        line = guides.mark_line(strokeWidth=1.5, strokeDash=dashes, xOffset=shift, aria=False)
        ticks = guides.mark_tick(thickness=1.5, size=14, orient="horizontal", xOffset=shift)
        layers += [
            line.encode(y=y, color=colour, detail="name:N"),
            ticks.encode(y=y, color=colour, **_words()),
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
