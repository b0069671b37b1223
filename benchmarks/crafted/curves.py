"""Curves of what the guard sees: objections by strength of each kind, and lines round by round."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import altair as alt
import polars as pl
from PIL import Image

from benchmarks.crafted import table
from benchmarks.crafted.cases import Result
from lineage.limits import Limits

COLUMNS: Final = 5
SIZE: Final = {"width": 130, "height": 70}
COLOURS: Final = {"does harm": "#bdbdbd", "blocked or warned of": "#ef8a62", "blocked": "#b2182b"}
WIDTHS: Final = (6, 3, 1.5)
"""Of their lines, so that one is seen below another."""
TONES: Final = 48
"""Colours of a PNG, which keep it small."""
SCALE: Final = 1.5
"""Pixels of a unit of the chart."""
LOST: Final = "lost by models that no check uses"
SEEN: Final = {"downstream_likelihood": "#b2182b", "downstream_pooled": "#2166ac", LOST: "#4d4d4d"}


def of_kinds(results: Sequence[Result], place: Path) -> None:
    """Draw the share of rounds that are objected to by strength, for each kind: a PNG."""
    rows = pl.DataFrame(
        [
            {
                "kind": result.case.kind,
                "strength": result.case.strength,
                "blocked": table.verdict(result) == "block",
                "blocked or warned of": table.verdict(result) != "pass",
                "does harm": table.harmful(result),
            }
            for result in results
        ]
    )
    shares = rows.group_by("kind", "strength", maintain_order=True).mean()
    index = ["kind", "strength"]
    long = shares.unpivot(COLOURS, index=index, variable_name="what", value_name="share")
    lines = (
        alt.Chart(long)
        .mark_line(point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("strength:Q", title="strength", axis=alt.Axis(tickCount=3)),
            y=alt.Y("share:Q", title="of rounds", axis=alt.Axis(format="%", tickCount=2)),
            color=_colours(COLOURS),
            strokeWidth=alt.StrokeWidth(
                "what:N", scale=alt.Scale(domain=list(COLOURS), range=WIDTHS), legend=None
            ),
            order=alt.Order("strength:Q"),
        )
        .properties(**SIZE)
    )
    facet = alt.Facet("kind:N", title=None, sort=list(dict.fromkeys(rows["kind"])))
    _save(lines.facet(facet, columns=COLUMNS).resolve_scale(x="independent"), place)


def of_lines(lines: Sequence[Mapping[str, Any]], place: Path) -> None:
    """Draw what lines lose, and what the guard measures of it, round by round: a PNG.

    A dashed line is the limit of `downstream_likelihood` that blocks.

    Args:
        lines: as `python -m benchmarks.guard --json` lists them.
        place: the file.
    """
    rows = pl.DataFrame(
        [
            {
                "line": f"{line['regime']}, seed {line['seed']}",
                "round": seen["round"],
                "what": name,
                "points": 100 * value,
            }
            for line in lines
            for seen in line["rounds"]
            for name, value in _figures(seen).items()
            if value is not None
        ]
    )
    drawn = (
        alt.Chart(rows)
        .mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=1.5)
        .encode(
            x=alt.X("round:O", title="round", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("points:Q", title="points lost"),
            color=_colours(SEEN),
        )
    )
    block = 100 * (Limits().downstream_likelihood_block or 0.0)
    limit = alt.Chart(rows).mark_rule(strokeDash=[3, 3]).encode(y=alt.datum(block))
    facet = alt.Facet("line:N", title=None, sort=list(dict.fromkeys(rows["line"])))
    _save((drawn + limit).properties(**SIZE).facet(facet, columns=COLUMNS - 1), place)


def _figures(seen: Mapping[str, Any]) -> dict[str, float | None]:
    checks = {name: seen["values"].get(name) for name in SEEN if name != LOST}
    return {**checks, LOST: seen["apart"]}


def _colours(of: Mapping[str, str]) -> alt.Color:
    scale = alt.Scale(domain=list(of), range=list(of.values()))
    return alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def _save(chart: alt.FacetChart, place: Path) -> None:
    plain = chart.configure_view(stroke="#ccc").configure_header(labelFontSize=10)
    drawn = io.BytesIO()
    plain.save(drawn, format="png", scale_factor=SCALE)
    Image.open(drawn).convert("RGB").quantize(TONES).save(place, "PNG", optimize=True)
