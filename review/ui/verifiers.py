"""`/verifiers/digits`: pass rates of expectations by round, pages about verdicts, and audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.visible import mark_unprintable
from lineage import calibrated
from lineage.evidence import Check
from pipelines.params import Params, resolve
from pipelines.rounds import manifest
from pipelines.verification.calibrations import applied, merges
from pipelines.verification.calibrations.merges import Stored
from pipelines.verification.verdicts import page_store
from review.errors import UsageError
from review.ui import app_state, render
from review.ui.app_state import AppState

PAGES: Final = {"verdicts": "failures by reason", "data_docs": "GX Data Docs"}
AUDITS: Final = 20
"""Audits that are listed, at most."""
SANDBOX: Final = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
"""Policy of a page from the lake: it runs nothing, loads nothing and has no origin."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The verdicts of an expectation in one round, counted."""

    passed: int
    failed: int
    unknown: int

    @property
    def share(self) -> float | None:
        """Share of verdicts that passed; an unknown one did not pass."""
        verdicts = self.passed + self.failed + self.unknown
        return self.passed / verdicts if verdicts else None


@dataclass(frozen=True, slots=True)
class Line:
    """The verdicts of an expectation by round."""

    name: str
    severity: str
    level: str
    rates: tuple[Rate | None, ...]
    """One per round; None where the suite did not have the expectation."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An audit of the verifier, as the lake keeps it."""

    stored: Stored
    estimates: Mapping[str, Mapping[str, float | None]]
    """Value, low and high by symbol, of the suite."""
    check: Check | None
    """What the guard says of the audited candidates; None: params.yaml has no such round."""


def show(request: Request) -> Response:
    """Show the pass rates of a data set's expectations by round."""
    state, dataset = app_state.of(request), request.path_params["dataset"]
    entries = [
        entry for entry in app_state.dataset_rounds(state, dataset).mainline if entry["round"]
    ]
    expectations = [_expectations(state.lake, dataset, entry) for entry in entries]
    audits = merges.all_of(state.lake, dataset).counting
    kept = request.query_params.get("kept")
    return render.page(
        request,
        "verifiers.html.j2",
        dataset=dataset,
        entries=entries,
        lines=lines(expectations),
        pages=PAGES,
        audits=_audits(state, audits[:AUDITS]),
        kept=kept if kept in {stored.path for stored in audits} else None,
    )


def lines(expectations: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Line]:
    """Collect the verdicts of expectations by round, lowest pass rate in the last round first.

    Args:
        expectations: of each round by expectation: severity, level, passed, failed, unknown.
    """
    latest = {name: settings for by_name in expectations for name, settings in by_name.items()}
    result = [
        Line(
            name,
            settings["severity"],
            settings["level"],
            tuple(_rate(by_name[name]) if name in by_name else None for by_name in expectations),
        )
        for name, settings in latest.items()
    ]
    return sorted(result, key=lambda line: (_last_share(line), line.name))


def page(request: Request) -> Response:
    """Serve a page about a round's verdicts as the lake holds it, in a sandbox."""
    lake, path_params = app_state.of(request).lake, request.path_params
    if path_params["name"] not in PAGES:
        raise UsageError(f"there is no such page; there are {', '.join(PAGES)}")
    path = refs.page(path_params["dataset"], path_params["round"], path_params["name"])
    headers = {"Content-Security-Policy": SANDBOX}
    commit = lake.resolve(path_params["ref"]).id
    data = lake.read(commit, path, page_store.MAX_BYTES)
    text = mark_unprintable(data.decode(errors="replace"))
    return Response(text, media_type="text/html", headers=headers)


def _audits(state: AppState, found: Sequence[Stored]) -> list[AuditLine]:
    """The lines of audits of the verifier."""
    params = state.params
    return [_audit(params, stored) for stored in found]


def _audit(params: Params, stored: Stored) -> AuditLine:
    record = stored.record
    key = f"{record.dataset}-{record.round}"
    settings = resolve(params, key).settings if key in params.rounds else None
    check = None if settings is None else applied.guard_check(stored, settings.publish.guard)
    estimates = {symbol: record.suite.estimates[name] for symbol, name in calibrated.NAMED.items()}
    return AuditLine(stored, estimates, check)


def _expectations(lake: Lake, dataset: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        round_manifest = manifest.read(lake, entry["commit"], dataset, entry["round"])
    except NotFoundError:
        return {}
    expectations: Mapping[str, Any] = round_manifest.get("verdicts", {}).get("expectations", {})
    return expectations


def _rate(counts: Mapping[str, Any]) -> Rate:
    return Rate(counts["passed"], counts["failed"], counts["unknown"])


def _last_share(line: Line) -> float:
    shares = [rate.share for rate in line.rates if rate is not None]
    return shares[-1] if shares and shares[-1] is not None else 1.0
