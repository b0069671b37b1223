"""Draws the curves of an experiment: formulas as lines, what we measured as points."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import altair as alt
import polars as pl
from PIL import Image

from experiments.experiment import Plot, Points

SIZE: Final = {"width": 420, "height": 200}
TONES: Final = 48
"""Colours of a PNG, which keep it small."""
SCALE: Final = 1.5
"""Pixels of a unit of the chart."""


def write(plot: Plot, place: Path) -> None:
    """Draw a plot into a PNG."""
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
    drawn = io.BytesIO()
    chart = (lines + marks).properties(**SIZE).configure_view(stroke="#ccc")
    chart.save(drawn, format="png", scale_factor=SCALE)
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(TONES).save(place, "PNG", optimize=True)


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
