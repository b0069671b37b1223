"""Carries out a reviewer's decision on samples: of one sample's page, or of all that a list shows.

A list is decided on by its filters, which are applied here, and not by rows that a browser names. A
reviewer confirms how many samples that is, and which list they saw: where either has changed since,
nothing is decided.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipelines.common.errors import StaleError
from pipelines.reviewing import deciding
from pipelines.reviewing.choice import Choice
from pipelines.rounds.context import RoundContext
from review.cli.round_refs import RoundRef
from review.errors import FAILURES, UsageError
from review.ui import access, app_state, candidates, facets, filters, offers, render, review
from review.ui.filters import Filters

if TYPE_CHECKING:
    from pipelines.reviewing.record import Action

FIELDS: Final = 40
"""Fields of a form, at most: a decision, and the texts of a sample."""
TEXT: Final = "text:"
"""Beginning of the names of fields with a corrected text, before the column's name."""
ACTIONS: Final = {
    "accept": "Accept",
    "reject": "Reject",
    "relabel": "Give another label",
    "correct": "Correct the text",
    "withdraw": "Leave to the suite",
}
"""Decisions by the words of their buttons."""
REPEATED: Final = ("csrf", "seen", "query", "choice", "label", "reason")
"""Fields that the form repeats which asks to confirm."""
_DECIDING: Final = threading.Lock()


async def decide(request: Request) -> Response:
    """Decide about samples of the round of a branch, as a form says."""
    form = dict(await request.form(max_files=0, max_fields=FIELDS))
    return await run_in_threadpool(_decided, request, form)


def _decided(request: Request, form: dict[str, Any]) -> Response:
    state, round_ref = app_state.requested_round(request)
    if not state.session.sent(form.get("csrf"), access.visitor_of(request)):
        raise UsageError("the form is not from this run of `stemma ui`; open the page again")
    ctx = state.context(round_ref)
    if round_ref.key not in ctx.params.rounds:
        raise UsageError(
            f"params.yaml has no rounds.{round_ref.key}; get it from the team (git pull)"
        )
    choice = replace(_choice(form), reviewer=access.visitor_of(request).name)
    wanted = None if "row" in form else _filters(str(form.get("query", "")), ctx, round_ref)
    try:
        _check_seen(round_ref, str(form.get("seen", "")))
        rows = _rows(form, ctx, round_ref, wanted)
        if choice.texts and wanted is None:
            held = dict(offers.texts_of(ctx, round_ref, rows[0]))
            choice = replace(choice, texts=offers.corrected(held, choice.texts))
        if wanted is not None and form.get("confirmed") != str(len(rows)):
            return _asked(request, form, round_ref, wanted, len(rows))
        with _DECIDING:
            deciding.decide(ctx, round_ref.commit, rows, choice)
    except FAILURES as error:
        return _refused(request, form, round_ref, wanted, str(error))
    return RedirectResponse(_next(form, round_ref, wanted, choice), 303)


def _choice(form: dict[str, Any]) -> Choice:
    action = str(form.get("choice", ""))
    if action not in ACTIONS:
        raise UsageError("the form says no decision that there is")
    texts = {}
    if action == "correct":
        given = ((name, form[name]) for name in form if name.startswith(TEXT))
        texts = {name.removeprefix(TEXT): _lines(str(text)) for name, text in given}
    label = str(form.get("label", "")).strip() if action == "relabel" else None
    where = str(form.get("query", "")).strip() or None if "row" not in form else None
    reason = _lines(str(form.get("reason", "")))
    return Choice(cast("Action", action), reason, label, texts, where=where)


def _lines(text: str) -> str:
    """Undo the line breaks of forms."""
    return text.replace("\r\n", "\n")


def _filters(query: str, ctx: RoundContext, round_ref: RoundRef) -> Filters:
    _, available = review.opened(ctx.lake, round_ref.commit, round_ref.dataset, round_ref.number)
    return facets.meant(available, filters.parse(dict(parse_qsl(query)))).first_page


def _check_seen(round_ref: RoundRef, seen: str) -> None:
    if seen != round_ref.commit:
        raise StaleError(
            f"{round_ref.ref} is at {round_ref.commit[:12]} now, not at {seen[:12]}; review it as "
            "it is now"
        )


def _rows(
    form: dict[str, Any], ctx: RoundContext, round_ref: RoundRef, wanted: Filters | None
) -> list[int]:
    """The rows that a form is about: one sample, or all that its filters let through."""
    if wanted is None:
        return [filters.whole("row", str(form["row"]))]
    source, _ = review.opened(ctx.lake, round_ref.commit, round_ref.dataset, round_ref.number)
    found: list[int] = candidates.ordered(source, wanted).to_list()
    return found


def _asked(
    request: Request, form: dict[str, Any], round_ref: RoundRef, wanted: Filters, count: int
) -> Response:
    """Ask to confirm a decision on a list, by the number of its samples."""
    return render.page(
        request,
        "confirm_samples.html.j2",
        round_ref=round_ref,
        form={name: str(form.get(name, "")) for name in REPEATED},
        wanted=wanted,
        matched=filters.described(wanted),
        count=count,
        word=ACTIONS[str(form["choice"])],
    )


def _refused(
    request: Request,
    form: dict[str, Any],
    round_ref: RoundRef,
    wanted: Filters | None,
    error: str,
) -> Response:
    return render.page(
        request,
        "refused_samples.html.j2",
        status=409,
        round_ref=round_ref,
        back=_back(form, round_ref, wanted),
        error=error,
    )


def _back(form: dict[str, Any], round_ref: RoundRef, wanted: Filters | None) -> str:
    """Address of the page that a form was on."""
    if wanted is None:
        row = filters.whole("row", str(form["row"]))
        query = filters.parse(dict(parse_qsl(str(form.get("query", ""))))).query
        rest = f"&{query}" if query else ""
        return f"/sample/{round_ref.dataset}/{round_ref.number}/{row}?ref={round_ref.ref}{rest}"
    return f"/review/{round_ref.dataset}/{round_ref.ref}?{wanted.query}"


def _next(form: dict[str, Any], round_ref: RoundRef, wanted: Filters | None, choice: Choice) -> str:
    """Address of the page after a decision: the next sample of the list, or the list."""
    following = str(form.get("next", ""))
    if wanted is None and following:
        form = {**form, "row": following}
    return f"{_back(form, round_ref, wanted)}&done={choice.action}"
