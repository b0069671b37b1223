"""`/verifiers/digits/sheet`: a sheet of candidates of which a person says which ones are right.

The sheet is the one that `stemma verifier audit` draws of as many rows, and what a form says is
checked, counted and kept as the command does it with a file. No verdict is shown. Whoever kept
answers about these candidates before finds them filled in, on a sheet of as many rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import polars as pl
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expectations.errors import CalibrationError
from lake import refs
from pipelines.common.errors import StaleError
from pipelines.features import images, thumbnails
from pipelines.verification.calibrations import agreement, audits, records, sheets, store
from pipelines.verification.calibrations.audits import Subject
from pipelines.verification.calibrations.sheets import LabellingRequest
from pipelines.verification.verdicts.examples import Part
from review.cli.datasets import wanted_dataset
from review.errors import UsageError
from review.provenance import page
from review.ui import access, app_state, filters, guidelines, render

ROWS: Final = 50
"""Candidates on a sheet, unless its address or the visitor's last sheet says another number."""
MOST: Final = 400
"""Candidates on a sheet, at most, so that a form stays small: as many as the command draws."""
DRAWN: Final = 2 * MOST
"""Candidates that are drawn, at most: each label contributes one at least."""
FIELDS: Final = 2 * DRAWN + 8
"""Fields of a form, at most: a truth and a note by candidate, and what is hidden."""
LONGEST_NOTE: Final = 120
SIDE: Final = 256
"""Longer side of a picture, in pixels."""
TRUTH: Final = "truth-"
"""Beginning of the names of fields with an answer, before the row."""
NOTE: Final = "note-"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says of a candidate."""

    truth: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a person kept about the candidates of a round before."""

    rows: int = ROWS
    """Candidates that the sheet asked about."""
    answers: Mapping[int, Answer] = field(default_factory=dict)
    """By row."""


@dataclass(frozen=True, slots=True)
class Card:
    """A candidate to be answered for."""

    row: int
    asked: str
    """The label that it was made for; empty where there is none."""
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A sheet, drawn."""

    subject: Subject
    drawn: pl.DataFrame
    request: LabellingRequest
    rows: int
    """How many candidates were asked for."""

    @property
    def seen(self) -> str:
        """What the answers are about: the verify commit and the suite."""
        return f"{self.subject.commit}-{self.subject.suite_digest}"


def show(request: Request) -> Response:
    """Show a sheet, with the answers that the visitor kept before."""
    asked = request.query_params
    subject = _subject(request, asked)
    kept = _kept(request, subject)
    sheet = _drawn(subject, filters.whole("rows", asked.get("rows") or str(min(kept.rows, MOST))))
    absent = len(kept.answers.keys() - set(sheet.request.rows))
    return _page(request, sheet, kept.answers, absent=absent)


async def keep(request: Request) -> Response:
    """Keep the answers of a form as a calibration."""
    form = dict(await request.form(max_files=0, max_fields=FIELDS))
    return await run_in_threadpool(_answered, request, form)


def _answered(request: Request, form: Mapping[str, Any]) -> Response:
    state, visitor = app_state.of(request), access.visitor_of(request)
    if not state.session.sent(form.get("csrf"), visitor):
        raise UsageError("the form is not from this run of `stemma ui`; open the page again")
    rows_asked = filters.whole("rows", str(form.get("rows") or ROWS))
    sheet = _drawn(_subject(request, form), rows_asked)
    if str(form.get("seen", "")) != sheet.seen:
        number, dataset = sheet.request.round, sheet.request.dataset
        raise StaleError(
            f"round {number} of {dataset} was verified again since this sheet was drawn; open the "
            "sheet again"
        )
    given = {
        row: Answer(str(form.get(f"{TRUTH}{row}", "")), str(form.get(f"{NOTE}{row}", "")).strip())
        for row in sheet.request.rows
    }
    try:
        rows = sheets.checked(
            _rows(sheet, given), sheet.request, sheet.subject.sampling_frame(), "the sheet"
        )
        audit = audits.by_person(sheet.subject, rows, sheet.request, visitor.name)
    except CalibrationError as error:
        return _page(request, sheet, given, str(error))
    stored = store.keep(state.lake, audit.record, audit.rows)
    query = urlencode({"kept": stored.path})
    return RedirectResponse(f"/verifiers/{sheet.request.dataset}?{query}#audits", 303)


def _subject(request: Request, asked: Mapping[str, Any]) -> Subject:
    """The round that an address or a form asks about.

    Raises:
        UsageError: the settings name a line whose audits are not kept.
        StaleError: the round is not verified yet, or does not exist.
    """
    state, dataset = app_state.of(request), request.path_params["dataset"]
    params = state.params
    wanted_dataset(params, dataset)
    if params.line != refs.MAIN:
        raise UsageError(
            f"params.yaml names the line {params.line}, and audits are kept on main alone; use "
            "`stemma verifier audit`"
        )
    number = filters.whole("round", str(asked["round"])) if asked.get("round") else None
    return audits.subject(state.lake, params, dataset, number)


def _drawn(subject: Subject, rows: int) -> Sheet:
    """Draw a sheet.

    Raises:
        UsageError: too many rows are asked for.
        CalibrationError: the suite judges no single row.
    """
    if not 1 <= rows <= MOST:
        raise UsageError(f"a sheet of the page has 1 to {MOST} rows; a file may have more")
    sheet = Sheet(subject, *audits.draw(subject, rows), rows)
    if len(sheet.drawn) > DRAWN:
        raise UsageError(
            f"a sheet of {sheet.request.dataset} has {len(sheet.drawn):,} rows, since each label "
            f"has one, and {DRAWN} fit the page; use `stemma verifier audit`"
        )
    return sheet


def _rows(sheet: Sheet, given: Mapping[int, Answer]) -> pl.DataFrame:
    """The answers of a form, as those of a file are read."""
    keys = sheet.drawn.select(
        pl.col("round", "row").cast(pl.Int64), pl.col("sample_id").bin.encode("hex")
    )
    answers = [given[row] for row in keys["row"]]
    return keys.with_columns(
        pl.Series("truth", [each.truth for each in answers], pl.String),
        pl.Series("note", [each.note for each in answers], pl.String),
    )


def _kept(request: Request, subject: Subject) -> Kept:
    """What the visitor kept about the candidates of a round before."""
    lake, visitor = app_state.of(request).lake, access.visitor_of(request)
    if not visitor.decides:
        return Kept()
    digest = records.candidates_digest(subject.candidates.sort("row")["sample_id"])
    kept = agreement.newest_by_reviewer(lake, subject.ctx.round.dataset, digest)
    own = kept.get(visitor.name or lake.user())
    found = None if own is None else agreement.answers_of(lake, own)
    if own is None or found is None:
        return Kept()
    said = found.drop_nulls("right").select("row", "right", pl.col("note").fill_null(""))
    answers = {row: Answer("right" if right else "wrong", note) for row, right, note in said.rows()}
    return Kept(own.record.asked, answers)


def _page(
    request: Request,
    sheet: Sheet,
    given: Mapping[int, Answer],
    error: str | None = None,
    *,
    absent: int = 0,
) -> Response:
    """The page of a sheet.

    Args:
        request: the request.
        sheet: the sheet.
        given: answers by row.
        error: what is wrong with them.
        absent: number of answers that were kept before and are about candidates not on the sheet.
    """
    return render.page(
        request,
        "audit_sheet.html.j2",
        status=200 if error is None else 400,
        dataset=sheet.request.dataset,
        sheet=sheet,
        cards=list(_cards(sheet.drawn)),
        given=given,
        answered=sum(1 for row in sheet.request.rows if row in given and given[row].truth),
        unsaid=Answer(),
        longest=LONGEST_NOTE,
        guidelines=guidelines.of_dataset(sheet.subject.ctx.params, sheet.request.dataset),
        error=error,
        absent=absent,
    )


def _cards(drawn: pl.DataFrame) -> Iterator[Card]:
    shown = [_parts(drawn[name]) for name in drawn.columns if name not in page.HIDDEN]
    for index, (row, asked) in enumerate(drawn.select("row", "asked").iter_rows()):
        yield Card(row, asked or "", tuple(parts[index] for parts in shown))


def _parts(column: pl.Series) -> list[Part]:
    if column.dtype != images.IMAGE:
        return page.texts(column)
    data = column.struct.field("bytes")
    return [Part(column.name, picture=thumbnails.data_uri(each, SIDE)) for each in data]
