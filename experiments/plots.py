"""Draws the curves of an experiment: formulas as lines, what we measured as points."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import altair as alt
import numpy as np
import polars as pl
from PIL import Image

from experiments.experiment import HeatMap, Plot, Points, SmallMultiples

SIZE: Final = {"width": 420, "height": 200}
PANEL: Final = {"width": 210, "height": 140}
TONES: Final = 48
"""Colours of a PNG, which keep it small."""
SCALE: Final = 1.5
"""Pixels of a unit of the chart."""
MIDDLE: Final = 0.55
"""Share of the largest figure from which on a cell is light enough for black ink."""


def write(plot: Plot | HeatMap | SmallMultiples, place: Path) -> None:
    """Draw a plot into a PNG."""
    chart: alt.TopLevelMixin
    if isinstance(plot, SmallMultiples):
        chart = _multiples(plot)
    else:
        chart = _map(plot) if isinstance(plot, HeatMap) else _curves(plot)
    drawn = io.BytesIO()
    chart.configure_view(stroke="#ccc").save(drawn, format="png", scale_factor=SCALE)
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(TONES).save(place, "PNG", optimize=True)


def _map(plot: HeatMap) -> alt.LayerChart:
    """Draw cells from dark, for 0, to light: a scale for the colour-blind, which grey keeps."""
    frame = pl.DataFrame(plot.cells, schema=["x", "y", "value"], orient="row")
    across, down = (list(dict.fromkeys(frame[name])) for name in ("x", "y"))
    base = alt.Chart(frame).encode(
        x=alt.X("x:O", title=plot.x, sort=across, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("y:O", title=plot.y, sort=down),
    )
    top = float(np.ceil(10 * max(value for *_, value in plot.cells)) / 10)
    scale = alt.Scale(scheme="cividis", domain=[0, top])
    legend = alt.Legend(title=plot.value, orient="top", gradientLength=SIZE["width"])
    cells = base.mark_rect().encode(color=alt.Color("value:Q", scale=scale, legend=legend))
    ink = alt.condition(alt.datum.value < MIDDLE * top, alt.value("white"), alt.value("black"))
    figures = base.mark_text(fontSize=12).encode(text=alt.Text("value:Q", format=".2f"), color=ink)
    found: alt.LayerChart = (cells + figures).properties(**SIZE)
    return found


def _curves(plot: Plot) -> alt.LayerChart:
    domain = list(dict.fromkeys([*plot.marks, *plot.lines]))
    legend = alt.Legend(orient="top", labelLimit=400) if len(domain) > 1 else None
    colour = alt.Color("name:N", title=None, scale=alt.Scale(domain=domain), legend=legend)
    axes = {
        "x": alt.X("x:Q", title=plot.x, scale=_scale(log=plot.log_x)),
        "y": alt.Y("y:Q", title=plot.y, scale=_scale(log=plot.log_y)),
        "color": colour,
    }
    lines = alt.Chart(_rows(plot.lines)).mark_line(strokeWidth=1.5).encode(order="at:Q", **axes)
    marks = alt.Chart(_rows(plot.marks)).mark_point(filled=True, size=28).encode(**axes)
    found: alt.LayerChart = (lines + marks).properties(**SIZE)
    return found


def _multiples(plot: SmallMultiples) -> alt.VConcatChart:
    """Draw panels in rows by figure; thin lines are single repeats, thick ones their means."""
    figures = list(dict.fromkeys(figure for figure, _ in plot.panels))
    names = list(dict.fromkeys(name for curves in plot.panels.values() for name in curves))
    colour = alt.Color(
        "name:N",
        title=None,
        scale=alt.Scale(domain=names),
        legend=alt.Legend(orient="top", labelLimit=400, symbolOpacity=1, symbolStrokeWidth=2.2),
    )
    rows = [
        alt.hconcat(
            *(
                _panel({"x": plot.x, "y": figure, "title": subject}, colour, curves)
                for (own, subject), curves in plot.panels.items()
                if own == figure
            )
        )
        for figure in figures
    ]
    found: alt.VConcatChart = alt.vconcat(*rows)
    return found


def _panel(
    titles: Mapping[str, str], colour: alt.Color, curves: Mapping[str, Sequence[Points]]
) -> alt.LayerChart:
    """Draw a panel.

    Args:
        titles: of x, of y, and of the panel.
        colour: of curves by name, the same in all panels.
        curves: as in `SmallMultiples`.
    """
    rows = [
        {"name": name, "repeat": repeat, "x": at, "y": y}
        for name, repeats in curves.items()
        for repeat, points in enumerate(repeats)
        for at, y in points
    ]
    schema = {"name": pl.String, "repeat": pl.Int64, "x": pl.Float64, "y": pl.Float64}
    axis = alt.Axis(tickMinStep=1, format="d")
    axes = {"x": alt.X("x:Q", title=titles["x"], axis=axis), "color": colour}
    base = alt.Chart(pl.DataFrame(rows, schema))
    single, mean = (
        alt.Y(field, title=titles["y"], scale=alt.Scale(zero=False))
        for field in ("y:Q", "mean(y):Q")
    )
    thin = base.mark_line(strokeWidth=0.7, opacity=0.35).encode(y=single, detail="repeat:N", **axes)
    thick = base.mark_line(strokeWidth=2.2).encode(y=mean, **axes)
    found: alt.LayerChart = (thin + thick).properties(title=titles["title"], **PANEL)
    return found


def _scale(*, log: bool) -> alt.Scale:
    return alt.Scale(type="log" if log else "linear")


def _rows(curves: Mapping[str, Points]) -> pl.DataFrame:
    rows = [
        {"name": name, "at": at, "x": x, "y": y}
        for name, points in curves.items()
        for at, (x, y) in enumerate(points)
    ]
    schema = {"name": pl.String, "at": pl.Int64, "x": pl.Float64, "y": pl.Float64}
    return pl.DataFrame(rows, schema)
