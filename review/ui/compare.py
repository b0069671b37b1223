"""`/compare/digits?left=digits-v0&right=digits-v3`: what differs between any two versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.client import Lake
from review.cli.datasets import dataset_at
from review.diff import build, row_table, samples, sections
from review.diff.values import MEANINGS, DataDiff
from review.errors import FAILURES
from review.ui import app_state, filters, render
from review.ui.app_state import AppState

SIZE: Final = 24
"""Rows of a page."""
FORK: Final = "fork"
DIGITS: Final = re.compile(r"([0-9]+)")
COUNTED: Final = ("rows:", "checks of the guard:")
"""Beginnings of sentences that count what the page lists."""


def show(request: Request) -> Response:
    """Show what differs between two versions, and the rows of one kind of change."""
    state, dataset = app_state.of(request), request.path_params["dataset"]
    held = app_state.dataset_rounds(state, dataset)
    versions = _versions(state, dataset)
    query = request.query_params
    tags = [str(entry["tag"]) for entry in held.rounds if entry["tag"]]
    left = query.get("left", "").strip() or (tags[0] if tags else refs.MAIN)
    right = query.get("right", "").strip() or (tags[-1] if tags else refs.MAIN)
    since = FORK if query.get("since") == FORK else ""
    values: dict[str, Any] = {"diff": None, "error": None, "change": ""}
    status = 200
    if "left" in query and "right" in query:
        try:
            values |= _compared(state.lake, dataset, (left, right), since, query)
        except FAILURES as error:
            values["error"], status = str(error), 400
    chosen = {"left": left, "right": right} | ({"since": since} if since else {})
    return render.page(
        request,
        "compare.html.j2",
        status=status,
        dataset=dataset,
        left=left,
        right=right,
        since=since,
        versions=versions,
        base=f"/compare/{dataset}?{urlencode(chosen)}",
        **values,
    )


def _versions(state: AppState, dataset: str) -> dict[str, str]:
    """Tags, branches and main, each with what it is."""
    lake = state.lake
    tags = {ref for ref in lake.tags(f"{dataset}-v") if _is_of(refs.TAG.match(ref), dataset)}
    branches = {ref for ref in lake.branches() if _is_of(refs.BRANCH.match(ref), dataset)}
    named = {ref: "real rows" if ref == f"{dataset}-v0" else "published" for ref in _in_order(tags)}
    return {refs.MAIN: "main", **named, **dict.fromkeys(_in_order(branches), "branch")}


def _in_order(names: Iterable[str]) -> list[str]:
    """Sort refs by the numbers in them: v2 before v10, v3 before v3.1."""
    return sorted(names, key=lambda name: [_number(part) for part in DIGITS.split(name)])


def _number(part: str) -> tuple[int, str]:
    """What a part of a name is sorted by: its number, else the part."""
    return (int(part), "") if part.isdecimal() else (0, part)


def _is_of(match: Any, dataset: str) -> bool:  # noqa: ANN401  a match, or None
    return match is not None and match["dataset"] == dataset


def _compared(
    lake: Lake, dataset: str, versions: tuple[str, str], since: str, query: Mapping[str, str]
) -> dict[str, Any]:
    commits = [lake.resolve(ref).id for ref in versions]
    for ref, commit in zip(versions, commits, strict=True):
        dataset_at(lake, ref, commit, dataset)
    diff = _diff(lake, commits[0], commits[1], dataset, two_dot=not since)
    change = query.get("change", "")
    start = filters.whole("from", query.get("from", "").strip() or "0")
    rows = diff.rows.filter(pl.col("change") == change)
    shown = list(samples.samples(diff, rows.slice(start, SIZE)))
    return {
        "diff": diff,
        "sentences": [
            sentence for sentence in sections.sentences(diff) if not sentence.startswith(COUNTED)
        ],
        "sections": list(sections.sections(diff, whole=False)),
        "details": list(sections.details(diff)),
        "change": change if change in diff.changes else "",
        "meaning": MEANINGS.get(change, "no row differs in this way"),
        "start": start,
        "size": SIZE,
        "total": len(rows),
        "samples": shown,
        "table": row_table.of(diff, shown),
    }


@lru_cache(maxsize=4)
def _diff(lake: Lake, left: str, right: str, dataset: str, *, two_dot: bool) -> DataDiff:
    return build.diff(lake, left, right, dataset, two_dot=two_dot)
