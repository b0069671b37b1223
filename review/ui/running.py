"""`/running`: the stages that run at present, which the browser asks for again and again."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pipelines.common import activity
from pipelines.common.activity import Activity
from review.ui import render

BUSY: Final = 2
"""Seconds between two requests while a stage runs."""
IDLE: Final = 10
"""Seconds between two requests while none does."""
MINUTE: Final = 60


def show(request: Request) -> Response:
    """Show the part of the page; `seen` names the stages that the browser shows."""
    seen = request.query_params.get("seen", "")
    return render.page(request, "running.html.j2", **values(seen[:2_000]))


def values(seen: str = "") -> dict[str, Any]:
    """What the template needs.

    Args:
        seen: the stages that the browser shows, as `state` names them; empty: none.
    """
    stages = activity.running()
    state = " ".join(f"{each.stage}:{each.key}" for each in stages)
    return {
        "stages": [(each, _lasted(each)) for each in stages],
        "state": state,
        "ended": not set(seen.split(" ")) <= {*state.split(" "), ""},
        "seconds": BUSY if stages else IDLE,
    }


def _lasted(stage: Activity) -> str:
    seconds = max(int(time.time() - stage.began), 0)
    return f"{seconds} s" if seconds < MINUTE else f"{seconds // MINUTE} min"
