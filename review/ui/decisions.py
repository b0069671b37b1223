"""Carries out a reviewer's decision: approve, which publishes as the stage does, or reject."""

from __future__ import annotations

import threading
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipelines.common.errors import UnconfirmedError
from pipelines.gate import publication, reviews
from pipelines.gate.reviews import Approval
from review.errors import FAILURES, UsageError
from review.ui import access, app_state, review

FIELDS: Final = 8
"""Fields of a form, at most."""
_DECIDING: Final = threading.Lock()


async def decide(request: Request) -> Response:
    """Approve or reject the round of a branch, as its form says."""
    form = dict(await request.form(max_files=0, max_fields=FIELDS))
    return await run_in_threadpool(_decided, request, form)


def _decided(request: Request, form: dict[str, Any]) -> Response:
    state = app_state.of(request)
    if not state.session.sent(form.get("csrf"), access.visitor_of(request)):
        raise UsageError("the form is not from this run of `stemma ui`; open the page again")
    reason = str(form.get("reason", ""))
    try:
        done = _act(request, form, reason)
    except UnconfirmedError as error:
        # A first time it is the next step of the form. Something else was confirmed: a conflict.
        status = 409 if form.get("against") else 200
        asked = error.blocking
        return review.drawn(request, str(error), reason=reason, against=asked, status=status)
    except FAILURES as error:
        return review.drawn(request, str(error), reason=reason, status=409)
    return RedirectResponse(f"{request.url.path.removesuffix('/decision')}?done={done}", 303)


def _act(request: Request, form: dict[str, Any], reason: str) -> str:
    action, seen = str(form.get("action", "")), str(form.get("seen", ""))
    against = frozenset(str(form.get("against", "")).split())
    state, round_ref = app_state.requested_round(request)
    ctx = state.context(round_ref)
    if round_ref.key not in ctx.params.rounds:
        raise UsageError(
            f"params.yaml has no rounds.{round_ref.key}; get it from the team (git pull)"
        )
    with _DECIDING:
        if action == "approve":
            merge = publication.approve(ctx, Approval(seen, reason.strip() or None, against))
            return "noted" if merge is None else "approved"
        if action == "reject":
            reviews.reject(state.lake, ctx.round, seen, reason)
            return "rejected"
    raise UsageError("the form says neither approve nor reject")
