"""Comments on a round or a sample: shown beside the decisions, and kept as a form sends them."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lake import refs
from lake.client import Lake
from pipelines.reviewing import candidates, comments
from pipelines.reviewing.comments import KeptComment
from pipelines.rounds import tables
from review.errors import UsageError
from review.ui import access, app_state, filters

FIELDS: Final = 8
"""Fields of a form, at most."""


def of_round(lake: Lake, branch: str) -> list[KeptComment]:
    """The comments on the round of a branch, the oldest first."""
    return [each for each in comments.of_branch(lake, branch) if each.comment.row is None]


def of_sample(
    lake: Lake, branch: str, commit: str, node: tuple[str, int, int]
) -> list[KeptComment]:
    """The comments on a sample of a round, or on the candidate that it was made of."""
    match = refs.BRANCH.match(branch)
    if match is None or (match["dataset"], int(match["round"])) != node[:2]:
        return []
    prefix = refs.partition(node[0], refs.REVIEWED, node[1])
    made = tables.optional(lake, commit, prefix, ["edited_row", "row"])
    own = made.filter(pl.col("edited_row") == node[2])["row"].to_list()
    lineage = refs.partition(node[0], "lineage", node[1])
    keys = tables.optional(lake, commit, lineage, ["row", "sample_id"])
    held = keys.filter(pl.col("row").is_in([node[2], *own]))
    known = {(row, sample.hex()) for row, sample in held.iter_rows()}
    return [
        each
        for each in comments.of_branch(lake, branch)
        if (each.comment.row, each.comment.sample_id) in known
    ]


async def say(request: Request) -> Response:
    """Keep the comment of a form."""
    form = dict(await request.form(max_files=0, max_fields=FIELDS))
    return await run_in_threadpool(_said, request, form)


def _said(request: Request, form: dict[str, Any]) -> Response:
    state, round_ref = app_state.requested_round(request)
    visitor = access.visitor_of(request)
    if not state.session.sent(form.get("csrf"), visitor):
        raise UsageError("the form is not from this run of `stemma ui`; open the page again")
    round_, seen = state.context(round_ref).round, round_ref.commit
    row = filters.whole("row", str(form["row"])) if form.get("row") else None
    sample = None if row is None else candidates.key(state.lake, round_, seen, row)
    text = str(form.get("text", "")).replace("\r\n", "\n")
    comments.say(state.lake, round_, seen, text, sample=sample, reviewer=visitor.name)
    at = f"/review/{round_ref.dataset}/{round_ref.ref}"
    if row is not None:
        at = f"/sample/{round_ref.dataset}/{round_ref.number}/{row}?ref={round_ref.ref}"
    return RedirectResponse(f"{at}#comments", 303)
