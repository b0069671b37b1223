"""`/review/digits/digits-r003/failures`: candidates that did not pass, grouped by reason."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from lake.client import Lake
from pipelines.verification.verdicts import report
from pipelines.verification.verdicts.examples import Example
from pipelines.verification.verdicts.report import Report
from review.ui import app_state, render

SHOWN: Final = 8
"""Candidates that are shown of each reason."""
SETS: Final = 12
"""Sets of expectations that fail together which are listed."""


def show(request: Request) -> Response:
    """Show each expectation that did not pass everywhere, with its reasons and some candidates."""
    state, round_ref = app_state.requested_round(request)
    found, shown = _read(state.lake, round_ref.commit, round_ref.dataset, round_ref.number)
    groups = [rule for rule in found.judged if rule.failed or rule.unknown]
    return render.page(
        request,
        "failures.html.j2",
        round_ref=round_ref,
        report=found,
        groups=groups,
        together=[group for group in found.together if len(group.names) > 1][:SETS],
        shown=shown,
        size=SHOWN,
        query=lambda **given: urlencode(given),
    )


@lru_cache(maxsize=4)
def _read(lake: Lake, commit: str, dataset: str, number: int) -> tuple[Report, dict[int, Example]]:
    found = report.read(lake, commit, dataset, number, SHOWN)
    return found, report.shown(report.candidates(lake, commit, dataset, number), found)
