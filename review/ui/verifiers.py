"""`/verifiers/digits`: how often each expectation passes in each round, and the pages about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.visible import tame
from pipelines.rounds import manifest
from pipelines.verification.verdicts import places
from review.errors import UsageError
from review.ui import app_state, render

PAGES: Final = {"verdicts": "failures by reason", "data_docs": "GX Data Docs"}
SANDBOX: Final = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
"""A page out of the lake is nobody's: it runs nothing, loads nothing and has no origin."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What an expectation said in one round."""

    passed: int
    failed: int
    unknown: int

    @property
    def share(self) -> float | None:
        """Verdicts that passed; an unknown one is no pass."""
        given = self.passed + self.failed + self.unknown
        return self.passed / given if given else None


@dataclass(frozen=True, slots=True)
class Line:
    """An expectation over rounds."""

    name: str
    severity: str
    level: str
    rates: tuple[Rate | None, ...]
    """One for each round; None where the suite did not have it."""


def show(request: Request) -> Response:
    """Pass rates of a data set's expectations over rounds."""
    here, dataset = app_state.of(request), request.path_params["dataset"]
    entries = [each for each in app_state.known(here, dataset).line if each["round"]]
    told = [_expectations(here.lake, dataset, each) for each in entries]
    return render.page(
        request,
        "verifiers.html.j2",
        dataset=dataset,
        entries=entries,
        lines=lines(told),
        pages=PAGES,
    )


def lines(told: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Line]:
    """Expectations over rounds, those that fail most in the last round first.

    Args:
        told: for each round, by expectation: severity, level, passed, failed, unknown.
    """
    latest = {name: about for each in told for name, about in each.items()}
    found = [
        Line(
            name,
            about["severity"],
            about["level"],
            tuple(_rate(each[name]) if name in each else None for each in told),
        )
        for name, about in latest.items()
    ]
    return sorted(found, key=lambda each: (_last(each), each.name))


def page(request: Request) -> Response:
    """A page about a round's verdicts as the lake holds it, shut into a sandbox."""
    lake, given = app_state.of(request).lake, request.path_params
    if given["name"] not in PAGES:
        raise UsageError(f"there is no such page; there are {', '.join(PAGES)}")
    path = refs.page(given["dataset"], given["round"], given["name"])
    headers = {"Content-Security-Policy": SANDBOX}
    held = tame(lake.read(given["ref"], path, places.MOST).decode(errors="replace"))
    return Response(held, media_type="text/html", headers=headers)


def _expectations(lake: Lake, dataset: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        about = manifest.read(lake, entry["commit"], dataset, entry["round"])
    except NotFoundError:
        return {}
    found: Mapping[str, Any] = about.get("verdicts", {}).get("expectations", {})
    return found


def _rate(about: Mapping[str, Any]) -> Rate:
    return Rate(about["passed"], about["failed"], about["unknown"])


def _last(found: Line) -> float:
    shares = [each.share for each in found.rates if each is not None]
    return shares[-1] if shares and shares[-1] is not None else 1.0
