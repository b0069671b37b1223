"""`stemma scaling DATASET`: the scaling laws of real and of synthetic rows, and their worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import RenderableType

from pipelines.inquiry.foresight import scaling as scaling_of
from pipelines.inquiry.foresight.scaling import BOTH, REAL, SYNTHETIC, Scaling
from pipelines.inquiry.foresight.scaling_law import Fitted, Worth
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import files
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, number, print_json, sentence, table
from review.errors import UsageError

NOT_MEASURED: Final = "not measured"
POINTS: Final = 60
"""Points of a drawn law."""
DIGITS: Final = 4


def run(*, dataset: str, sizes: int, repeats: int, picture: Path | None, as_json: bool) -> None:
    """Measure, print, and draw."""
    if picture is not None and not picture.parent.is_dir():
        raise UsageError(f"{picture.parent} is no folder, so the picture cannot be written there")
    params = load()
    wanted_dataset(params, dataset)
    found = scaling_of.scaling(open_lake(params), params, dataset, sizes=sizes, repeats=repeats)
    if picture is not None:
        files.write(picture, [drawn(found)])
    if as_json:
        print_json(found.to_dict())
        return
    out = make_console()
    for part in _rendered(found):
        out.print(part)
    if picture is not None:
        out.print(sentence(f"wrote {picture}"), soft_wrap=True)


def _rendered(found: Scaling) -> Iterator[RenderableType]:
    yield sentence(
        f"{found.dataset}: 1 − {found.figure} on validation rows, by {found.task}; "
        f"{found.real_rows:,} real rows, {found.synthetic_rows:,} synthetic ones",
        "bold",
    )
    rows = [
        [kind, size, number(float(np.mean(each)), DIGITS), number(float(np.std(each)), DIGITS)]
        for kind in (REAL, SYNTHETIC)
        for size, each in found.losses.get(kind, {}).items()
    ]
    yield table("", ("rows of", "N", "mean loss", "spread"), rows)
    laws = [[kind, *_law(law)] for kind, law in found.laws.items()]
    yield table("L(N) = a·N^−b + c (95 %)", ("rows of", "a", "b", "c"), laws)
    worths = [_worth(each) for each in found.worths]
    columns = ("real rows", "loss with all synthetic", "equal real rows", "synthetic for one real")
    yield table("what synthetic rows are worth", columns, worths)
    yield sentence(
        "equal real rows: how many real rows alone have that loss, by the law of real rows"
    )


def _law(law: Fitted | None) -> list[str]:
    if law is None:
        return [NOT_MEASURED] * 3
    cells = []
    for name in ("a", "b", "c"):
        low, high = law.interval(name)
        cells.append(f"{number(getattr(law.curve, name))} ({number(low)}–{number(high)})")
    return cells


def _worth(each: Worth) -> list[object]:
    per_real = (
        f"{NOT_MEASURED}: {each.why}"
        if each.per_real is None
        else f"{number(each.per_real, 1)} ({number(each.low, 1)}–{number(each.high, 1)})"
    )
    equal = None if each.equal is None else round(each.equal)
    return [each.real, number(each.loss, DIGITS), equal, per_real]


def drawn(found: Scaling) -> str:
    """Draw the losses as points and the laws as lines, on logarithmic axes: SVG."""
    import altair as alt  # noqa: PLC0415  takes a second to import
    import vl_convert  # noqa: PLC0415  loads an engine of its own

    losses, laws = list(_points(found)), list(_lines(found))
    colour = alt.Color("kind:N", title=None, legend=alt.Legend(orient="top"))
    x = alt.X("rows:Q", title="rows", scale=alt.Scale(type="log"))
    y = alt.Y("loss:Q", title=f"1 − {found.figure}", scale=alt.Scale(type="symlog", constant=0.01))
    points = alt.Chart({"values": losses}).mark_point(filled=True, size=30, opacity=0.6)
    lines = alt.Chart({"values": laws}).mark_line()
    chart = alt.layer(
        points.encode(x=x, y=y, color=colour), lines.encode(x=x, y=y, color=colour)
    ).properties(width=460, height=280, title=f"{found.dataset}: what more rows are worth")
    return str(vl_convert.vegalite_to_svg(chart.to_json()))


def _points(found: Scaling) -> Iterator[dict[str, Any]]:
    names = {BOTH: f"real beside {found.synthetic_rows:,} synthetic"}
    for kind, sizes in found.losses.items():
        for size, each in sizes.items():
            for loss in each:
                yield {"kind": names.get(kind, kind), "rows": size, "loss": loss}


def _lines(found: Scaling) -> Iterator[dict[str, Any]]:
    for kind, law in found.laws.items():
        sizes = list(found.losses.get(kind, {}))
        if law is not None and sizes:
            for rows in np.geomspace(sizes[0], sizes[-1], POINTS):
                yield {"kind": kind, "rows": float(rows), "loss": law.curve.loss(float(rows))}
