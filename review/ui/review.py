"""`/review/digits/digits-r003`: what a round would change, its candidates, and the decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.features import images
from pipelines.gate import reviews
from pipelines.verification.verdicts import examples
from pipelines.verification.verdicts.examples import Example
from review.cli.round_refs import RoundRef
from review.diff import build, samples, sections
from review.diff.values import MEANINGS, DataDiff
from review.ui import app_state, candidates, facets, render
from review.ui.app_state import AppState
from review.ui.candidates import Filters, Listing, Source
from review.ui.facets import Facets

SIZES: Final = {"grid": 60, "cards": 24, "table": 100}
"""Rows of a page, by how they are shown."""
LONG: Final = 60
"""Characters from which on a text needs a card of its own."""


@dataclass(frozen=True, slots=True)
class Item:
    """A candidate on the page."""

    row: int
    sample: str
    depth: int | None
    decision: str | None
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    example: Example


def show(request: Request) -> Response:
    """The page, or only its candidates where htmx asks for these."""
    return drawn(request)


def drawn(request: Request, *, error: str | None = None, reason: str = "") -> Response:
    """The page of a branch, with what went wrong with a decision."""
    here = app_state.of(request)
    target = app_state.target(
        here.lake, request.path_params["dataset"], request.path_params["branch"]
    )
    filters = candidates.parse(request.query_params)
    listed = _listed(here.lake, target, filters)
    if render.partial(request):
        return render.page(request, "candidates.html.j2", target=target, **listed)
    entry = app_state.known(here, target.dataset).at(target.ref)
    return render.page(
        request,
        "review.html.j2",
        status=409 if error else 200,
        target=target,
        entry=entry,
        decision=_decision(here, target, entry),
        error=error,
        reason=reason,
        **listed,
    )


def summary(request: Request) -> Response:
    """What the branch changes, from the data diff; it is read after the page is there."""
    here = app_state.of(request)
    target = app_state.target(
        here.lake, request.path_params["dataset"], request.path_params["branch"]
    )
    left, found = compared(here, target)
    return render.page(
        request,
        "summary.html.j2" if render.partial(request) else "summary_page.html.j2",
        target=target,
        left=left,
        found=found,
        said=list(sections.sentences(found)),
        sections=list(sections.sections(found, whole=False)),
        details=list(sections.details(found)),
    )


def changes(request: Request) -> Response:
    """Rows of one kind of change, a page at a time: `?change=removed&from=24`."""
    here = app_state.of(request)
    target = app_state.target(
        here.lake, request.path_params["dataset"], request.path_params["branch"]
    )
    _, found = compared(here, target)
    kinds = list(found.changes)
    kind = request.query_params.get("change", kinds[0] if kinds else "")
    start = candidates.parse({"after": request.query_params.get("from", "")}).after or 0
    size = SIZES["cards"]
    mine = found.rows.filter(pl.col("change") == kind)
    return render.page(
        request,
        "changes.html.j2",
        target=target,
        found=found,
        kind=kind,
        meaning=MEANINGS.get(kind, "no row differs so"),
        start=start,
        size=size,
        total=len(mine),
        samples=list(samples.samples(found, mine.slice(start, size))),
    )


def compared(here: AppState, target: RoundRef) -> tuple[str, DataDiff]:
    """What a branch changes in main; of a published round, what its merge changed.

    Returns:
        The left side, and the difference.
    """
    lake, left = here.lake, refs.MAIN
    merges = (
        each for each in lake.log(refs.MAIN, first_parent=True) if target.commit in each.parents[1:]
    )
    merge = next(merges, None)
    if merge is not None:
        left = merge.parents[0]
    return left, _compared(lake, lake.resolve(left).id, target.commit, target.dataset)


@lru_cache(maxsize=4)
def _compared(lake: Lake, left: str, right: str, dataset: str) -> DataDiff:
    return build.diff(lake, left, right, dataset)


@lru_cache(maxsize=8)
def opened(lake: Lake, commit: str, dataset: str, number: int) -> tuple[Source, Facets]:
    """The tables of a round, and what they can be filtered by; a commit never changes."""
    found = candidates.source(lake, commit, dataset, number)
    return found, facets.of_source(found)


@lru_cache(maxsize=256)
def _count(lake: Lake, target: RoundRef, filters: Filters) -> int:
    found, _ = opened(lake, target.commit, target.dataset, target.number)
    return candidates.count(found, filters)


def _listed(lake: Lake, target: RoundRef, filters: Filters) -> dict[str, Any]:
    try:
        found, known = opened(lake, target.commit, target.dataset, target.number)
    except NotFoundError:
        return {"listing": None, "filters": filters, "facets": None}
    filters = facets.meant(known, filters)
    shape = _shape(found)
    listing = candidates.listing(found, filters, SIZES[shape])
    return {
        "listing": listing,
        "items": list(_items(listing)),
        "filters": filters,
        "facets": known,
        "total": _count(lake, target, filters.whole) if filters.any else known.candidates,
        "shape": shape,
        "column": _column(known, filters),
        "toggled": lambda **given: replace(filters.whole, **given).query,
    }


def _column(known: Facets, filters: Filters) -> str | None:
    """The payload column whose values are offered: the one that is asked for, else the first."""
    if filters.column in known.columns:
        return filters.column
    return "label" if "label" in known.columns else next(iter(known.columns), None)


def _shape(found: Source) -> str:
    """How candidates are shown: images as a grid, texts as cards, anything else as a table."""
    kinds = found.candidates.collect_schema()
    if any(kind == images.IMAGE for kind in kinds.values()):
        return "grid"
    texts = [name for name, kind in kinds.items() if kind == pl.String]
    glance = found.candidates.select(texts).head(SIZES["table"]).collect()
    lengths = (glance[name].str.len_chars().max() for name in texts)
    wide = any(isinstance(each, int) and each > LONG for each in lengths)
    return "cards" if wide else "table"


def _items(listing: Listing) -> Iterator[Item]:
    shown = examples.of_rows(listing.payload)
    for row in listing.rows.iter_rows(named=True):
        yield Item(
            row=row["row"],
            sample=row["sample_id"].hex(),
            depth=row["depth_max"],
            decision=row["decision"],
            reasons=_names(row["reasons"]),
            warnings=_names(row["warnings"]),
            example=shown[row["row"]],
        )


def _names(found: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(found or ())


def _decision(here: AppState, target: RoundRef, entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """What can be decided about a branch, and what cannot and why."""
    state = entry["state"] if entry else "in progress"
    judged = (entry or {}).get("guard")
    rejection = reviews.of_branch(here.lake, target.ref)
    why = None
    if state in ("published", "superseded"):
        why = f"This round is {state}; there is nothing to decide."
    elif target.line != refs.MAIN:
        why = f"The line {target.line} never merges into main."
    elif target.key not in here.params.rounds:
        why = f"params.yaml has no rounds.{target.key}; get it from the team (git pull)."
    elif not (entry or {}).get("metrics"):
        why = "It is not evaluated yet; run `dvc repro` first."
    odd = [each for each in (judged or {}).get("checks", []) if each["verdict"] != "pass"]
    return {
        "state": state,
        "why": why,
        "rejection": rejection,
        "guard": judged,
        "odd": odd,
        "needed": bool(odd) or rejection is not None,
        "blocks": any(each["verdict"] == "block" for each in odd),
        "tag": (entry or {}).get("tag"),
    }


def samples_at(lake: Lake, commit: str, dataset: str, number: int, rows: list[int]) -> pl.DataFrame:
    """The payload of some rows of a round, rejected candidates too, by row.

    Raises:
        NotFoundError: the commit does not hold the round.
    """
    wanted = pl.Series("row", rows, pl.Int64)
    try:
        frame = candidates.source(lake, commit, dataset, number).candidates
    except NotFoundError:  # real rows, or a round whose candidates are gone
        frame = lake.scan(commit, refs.partition(dataset, "samples", number))
    return frame.filter(pl.col("row").is_in(wanted.implode())).collect().sort("row")
