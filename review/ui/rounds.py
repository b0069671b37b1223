"""`/`: the rounds of a data set, the guard's verdict on each, and charts over rounds."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from review.errors import UsageError
from review.ui import app_state, chart_drawing, charts, render, running
from review.ui.app_state import DatasetRounds

CHART_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""A chart loads and runs nothing; its one rule of style is its own."""


def show(request: Request) -> Response:
    """Show the rounds of one data set: `?dataset=digits&at=digits-r003`."""
    state = app_state.of(request)
    names = list(state.params.datasets)
    if not names:
        raise UsageError("params.yaml names no data set; add one under datasets")
    dataset = request.query_params.get("dataset") or names[0]
    rounds_of_dataset = app_state.dataset_rounds(state, dataset)
    entry = _chosen(rounds_of_dataset, request.query_params.get("at"))
    return render.page(
        request,
        "rounds.html.j2",
        dataset=dataset,
        rounds=rounds_of_dataset.all,
        entry=entry,
        charts=charts.of_rounds(rounds_of_dataset.mainline),
        line=request.query_params.get("line"),
        **running.values(),
    )


def _chosen(rounds_of_dataset: DatasetRounds, ref: str | None) -> dict[str, Any] | None:
    """The requested round; else the first under review, else the last."""
    if ref is not None and (entry := rounds_of_dataset.find(ref)) is not None:
        return entry
    waiting = [
        entry
        for entry in rounds_of_dataset.open
        if entry["state"] not in ("superseded", "rejected")
    ]
    last = [entry for entry in rounds_of_dataset.all if entry["guard"]] or rounds_of_dataset.all
    return next(iter(waiting or last[::-1]), None)


def chart(request: Request) -> Response:
    """Serve one chart as SVG, for a page of this application: `/chart/digits/downstream.svg`."""
    rounds_of_dataset = app_state.dataset_rounds(
        app_state.of(request), request.path_params["dataset"]
    )
    drawn = {chart_.name: chart_ for chart_ in charts.of_rounds(rounds_of_dataset.mainline)}
    requested = drawn.get(request.path_params["name"])
    if requested is None:
        raise UsageError(f"there is no such chart; there are {', '.join(drawn)}")
    policy = {"Content-Security-Policy": CHART_POLICY}
    return Response(chart_drawing.svg(requested), media_type="image/svg+xml", headers=policy)
