"""`/review/digits/digits-r003`: what a round would change, its candidates, and the decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage.evidence import UNOBJECTIONABLE
from pipelines.features import images
from pipelines.gate import approvals, reviewed_head, reviews, rule_changes
from pipelines.gate.rule_changes import RuleChanges
from pipelines.verification.verdicts import examples
from pipelines.verification.verdicts.examples import Example
from review.cli.round_refs import RoundRef
from review.diff import build, row_table, samples, sections
from review.diff.values import MEANINGS, DataDiff
from review.ui import (
    access,
    app_state,
    candidates,
    comments,
    facets,
    filters,
    guidelines,
    offers,
    render,
    scores,
)
from review.ui.app_state import AppState
from review.ui.candidates import Listing, Source
from review.ui.facets import Facets
from review.ui.filters import Filters
from review.ui.offers import Offer
from review.ui.scores import Histogram

SIZES: Final = {"grid": 60, "cards": 24, "table": 100}
"""Rows per page, by how they are shown."""
DECIDED: Final = ("published", "superseded")
"""States of a round about which nothing is left to decide."""
LONG: Final = 60
"""Characters above which a text is shown on a card of its own."""


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
    """Show the page, or only its candidates where htmx requests these."""
    return drawn(request)


def drawn(
    request: Request,
    error: str | None = None,
    *,
    reason: str = "",
    against: tuple[str, ...] = (),
    status: int = 200,
) -> Response:
    """Render the page of a branch.

    Args:
        request: for the page, or with a decision.
        error: of the decision, if there was one.
        reason: that the decision gave.
        against: checks that block, which the form asks to confirm.
        status: of the answer, by RFC 9110.
    """
    state, round_ref = app_state.requested_round(request)
    candidate_list = _listed(state.lake, round_ref, filters.parse(request.query_params))
    if render.partial(request):
        offer = _offer(request, state, round_ref)
        return render.page(
            request, "candidates.html.j2", round_ref=round_ref, offer=offer, **candidate_list
        )
    entry = app_state.dataset_rounds(state, round_ref.dataset).find(round_ref.ref)
    return render.page(
        request,
        "review.html.j2",
        status=status,
        round_ref=round_ref,
        entry=entry,
        decision=_decision(state, round_ref, entry),
        rules=_rules(state, round_ref, entry),
        head=reviewed_head.of_branch(state.context(round_ref), round_ref.commit),
        error=error,
        reason=reason,
        against=against,
        guidelines=guidelines.of_dataset(state.params, round_ref.dataset),
        comments=comments.of_round(state.lake, round_ref.ref),
        offer=_offer(request, state, round_ref),
        **candidate_list,
    )


def _offer(request: Request, state: AppState, round_ref: RoundRef) -> Offer | None:
    """What the visitor may decide about samples; None where nothing."""
    if not access.visitor_of(request).decides:
        return None
    return offers.of_round(state.context(round_ref), round_ref)


def summary(request: Request) -> Response:
    """Show what the branch changes; the browser requests it after the page."""
    state, round_ref = app_state.requested_round(request)
    left, diff = compared(state, round_ref)
    return render.page(
        request,
        "summary.html.j2" if render.partial(request) else "summary_page.html.j2",
        round_ref=round_ref,
        left=left,
        diff=diff,
        sentences=list(sections.sentences(diff)),
        sections=list(sections.sections(diff, whole=False)),
        details=list(sections.details(diff)),
    )


def changes(request: Request) -> Response:
    """Show one page of the rows with one kind of change: `?change=removed&from=24`."""
    state, round_ref = app_state.requested_round(request)
    _, diff = compared(state, round_ref)
    kinds = list(diff.changes)
    change = request.query_params.get("change", kinds[0] if kinds else "")
    start = filters.whole("from", request.query_params.get("from", "").strip() or "0")
    size = SIZES["cards"]
    rows = diff.rows.filter(pl.col("change") == change)
    shown = list(samples.samples(diff, rows.slice(start, size)))
    return render.page(
        request,
        "changes.html.j2",
        round_ref=round_ref,
        diff=diff,
        change=change,
        meaning=MEANINGS.get(change, "no row differs in this way"),
        start=start,
        size=size,
        total=len(rows),
        samples=shown,
        table=row_table.of(diff, shown),
    )


def compared(state: AppState, round_ref: RoundRef) -> tuple[str, DataDiff]:
    """Compare a branch with main; of a published round, compare main before and after its merge.

    Returns:
        The left side as a ref, and the difference.
    """
    lake, left = state.lake, refs.MAIN
    merges = (
        commit
        for commit in lake.log(refs.MAIN, first_parent=True)
        if round_ref.commit in commit.parents[1:]
    )
    merge = next(merges, None)
    if merge is not None:
        left = merge.parents[0]
    return left, _compared(lake, lake.resolve(left).id, round_ref.commit, round_ref.dataset)


@lru_cache(maxsize=4)
def _compared(lake: Lake, left: str, right: str, dataset: str) -> DataDiff:
    return build.diff(lake, left, right, dataset)


@lru_cache(maxsize=8)
def opened(lake: Lake, commit: str, dataset: str, number: int) -> tuple[Source, Facets]:
    """Open the tables of a round and count its facets; cached, as a commit never changes."""
    source = candidates.open_source(lake, commit, dataset, number)
    return source, facets.of_source(source)


@lru_cache(maxsize=256)
def _count(lake: Lake, round_ref: RoundRef, wanted: Filters) -> int:
    source, _ = opened(lake, round_ref.commit, round_ref.dataset, round_ref.number)
    return candidates.count(source, wanted)


def _listed(lake: Lake, round_ref: RoundRef, wanted: Filters) -> dict[str, Any]:
    try:
        source, source_facets = opened(lake, round_ref.commit, round_ref.dataset, round_ref.number)
    except NotFoundError:
        return {"listing": None, "filters": wanted, "facets": None, "histogram": None}
    wanted = facets.meant(source_facets, wanted)
    shape = _shape(source)
    listing = candidates.listing(source, wanted, SIZES[shape])
    return {
        "listing": listing,
        "items": list(_items(listing)),
        "filters": wanted,
        "facets": source_facets,
        "total": _count(lake, round_ref, wanted.first_page)
        if wanted.any
        else source_facets.candidates,
        "histogram": _histogram(source, wanted),
        "shape": shape,
        "column": _column(source_facets, wanted),
    }


def _histogram(source: Source, wanted: Filters) -> Histogram | None:
    if wanted.score is None:
        return None
    rows = candidates.matching(source, wanted.any_range)
    return scores.histogram(source.scores, rows, wanted)


def _column(available: Facets, wanted: Filters) -> str | None:
    """The payload column that is offered as a filter: the requested one, else the first."""
    if wanted.column in available.columns:
        return wanted.column
    return "label" if "label" in available.columns else next(iter(available.columns), None)


def _shape(source: Source) -> str:
    """How candidates are shown: images as a grid, texts as cards, anything else as a table."""
    dtypes = source.candidates.collect_schema()
    if any(dtype == images.IMAGE for dtype in dtypes.values()):
        return "grid"
    texts = [name for name, dtype in dtypes.items() if dtype == pl.String]
    first_rows = source.candidates.select(texts).head(SIZES["table"]).collect()
    lengths = (first_rows[name].str.len_chars().max() for name in texts)
    wide = any(isinstance(length, int) and length > LONG for length in lengths)
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


def _names(names: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(names or ())


def _decision(
    state: AppState, round_ref: RoundRef, entry: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What can be decided about a branch, or why nothing can be.

    Args:
        state: the project.
        round_ref: the branch of a round.
        entry: the round as `stemma status` lists it; None where the lake does not hold it.
    """
    entry = entry or {}
    guard = entry.get("guard")
    rejection = reviews.of_round(state.lake, state.context(round_ref).round, round_ref.commit)
    not_passed = render.not_passed((guard or {}).get("checks", []))
    objections = [check for check in not_passed if check["verdict"] not in UNOBJECTIONABLE]
    return {
        "state": entry.get("state", "in progress"),
        "obstacle": _obstacle(state, round_ref, entry),
        "rejection": rejection,
        "guard": guard,
        "override": entry.get("override"),
        "not_passed": not_passed,
        "needed": bool(objections) or rejection is not None,
        "blocks": any(check["verdict"] == "block" for check in not_passed),
        "tag": entry.get("tag"),
        "awaited": approvals.awaited(state.lake, state.context(round_ref).round)
        if entry.get("state") not in DECIDED
        else None,
    }


def _rules(
    state: AppState, round_ref: RoundRef, entry: Mapping[str, Any] | None
) -> RuleChanges | None:
    """What changed in the suite, and in the limits by which an approval would judge the round."""
    lake, dataset, number = state.lake, round_ref.dataset, round_ref.number
    decided = (entry or {}).get("state") in DECIDED
    settings = state.context(round_ref).round.settings.publish
    in_force = None if decided or round_ref.key not in state.params.rounds else settings
    return rule_changes.of_round(lake, round_ref.commit, dataset, number, in_force)


def _obstacle(state: AppState, round_ref: RoundRef, entry: Mapping[str, Any]) -> str | None:
    """A sentence that says why nothing can be decided; None where something can."""
    if entry.get("state") in DECIDED:
        return f"This round is {entry['state']}; there is nothing to decide."
    if round_ref.line != refs.MAIN:
        return f"The line {round_ref.line} never merges into main."
    if round_ref.key not in state.params.rounds:
        return f"params.yaml has no rounds.{round_ref.key}; get it from the team (git pull)."
    if not entry.get("metrics"):
        return "It is not evaluated yet; run `dvc repro` first."
    return None
