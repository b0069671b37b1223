"""`/`: the rounds of a data set, what the guard said of each, and how they go on."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from review.errors import UsageError
from review.ui import app_state, charts, render
from review.ui.app_state import Known


def show(request: Request) -> Response:
    """The rounds of one data set: `?dataset=digits&at=digits-r003`."""
    here = app_state.of(request)
    names = list(here.params.datasets)
    if not names:
        raise UsageError("params.yaml names no data set; add one under datasets")
    dataset = request.query_params.get("dataset") or names[0]
    known = app_state.known(here, dataset)
    entry = _chosen(known, request.query_params.get("at"))
    return render.page(
        request,
        "rounds.html.j2",
        dataset=dataset,
        rounds=known.whole,
        entry=entry,
        charts=charts.of_rounds(known.line),
        line=request.query_params.get("line"),
    )


def _chosen(known: Known, at: str | None) -> dict[str, Any] | None:
    """The round that is asked for; else the first under review, else the last."""
    if at is not None and (found := known.at(at)) is not None:
        return found
    waiting = [each for each in known.open if each["state"] not in ("superseded", "rejected")]
    last = [each for each in known.whole if each["guard"]] or known.whole
    return next(iter(waiting or last[::-1]), None)


def chart(request: Request) -> Response:
    """One chart as SVG: `/chart/digits/downstream.svg?theme=dark`."""
    known = app_state.known(app_state.of(request), request.path_params["dataset"])
    theme = request.query_params.get("theme", "light")
    drawn = {each.name: each for each in charts.of_rounds(known.line)}
    wanted = drawn.get(request.path_params["name"])
    if wanted is None or theme not in charts.THEMES:
        raise UsageError(f"there is no such chart; there are {', '.join(drawn)}")
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(charts.svg(wanted, theme), media_type="image/svg+xml", headers=policy)
