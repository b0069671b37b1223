"""`stemma verifier audit DATASET`: how good is the verifier, and is that enough?

Without more it draws candidates and writes a sheet for a person; a sheet that is there is read
back; `--planted` needs no person. What is found is kept in the lake, where the guard finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from lake import refs
from lineage import calibrated, checks
from lineage.evidence import Check
from pipelines.params import load
from pipelines.verification.calibrations import applied, audits, sheets, store
from pipelines.verification.calibrations.audits import Audit, Subject
from pipelines.verification.calibrations.records import Finding, Record
from pipelines.verification.calibrations.store import Stored
from review.cli.datasets import wanted_dataset
from review.cli.output import console, number, print_json, sentence, table
from review.errors import UsageError
from review.provenance import page as audit_page

FOLDER: Final = Path("audits")
ESTIMATES: Final = ("keep_correct", "keep_wrong", "error", "threshold")


def run(
    *,
    dataset: str,
    round_number: int | None,
    rows: int,
    sheet: Path | None,
    planted: bool,
    as_json: bool,
) -> None:
    """Draw a sheet, or audit by a filled one or by planted errors, and say what was found."""
    params = load()
    wanted_dataset(params, dataset)
    if sheet is not None and sheet.exists():
        asked = sheets.read_asked(sheet)
        _fits(sheet, asked, dataset, round_number)
        about = audits.subject(params, dataset, asked.round)
        _show(about, audits.answered(about, sheet, asked), as_json=as_json)
        return
    about = audits.subject(params, dataset, round_number)
    if planted:
        _show(about, audits.planted(about, rows), as_json=as_json)
    else:
        _ask(about, sheet, rows, as_json=as_json)


def _fits(sheet: Path, asked: sheets.Asked, dataset: str, number: int | None) -> None:
    if asked.dataset != dataset or number not in (None, asked.round):
        raise UsageError(
            f"{sheet} asks about round {asked.round} of {asked.dataset}; name that data set and "
            "round, or another sheet"
        )


def _ask(about: Subject, sheet: Path | None, rows: int, *, as_json: bool) -> None:
    """Write the sheet and its page, and say what to do with them."""
    round_ = about.ctx.round
    place = sheet or FOLDER / f"{refs.branch_name(round_.dataset, round_.number)}.csv"
    if place.exists():
        raise UsageError(
            f"{place} is there already; read it with --sheet {place}, or remove it to draw another"
        )
    drawn = audits.ask(about, place, rows)
    page = audit_page.write(place, drawn, round_.dataset, round_.number)
    then = f"stemma verifier audit {round_.dataset} --sheet {place}"
    if as_json:
        print_json({"sheet": str(place), "page": str(page), "rows": len(drawn), "then": then})
        return
    out = console()
    wrote = f"wrote {place}: {len(drawn)} candidates of round {round_.number}, verdicts not shown"
    answer = (
        f"answer in {page} (one key a row, then put what it saves in place of {place}), or fill in "
        "the column truth: right, wrong, or the label that you see"
    )
    for each in (wrote, answer, f"then run `{then}`"):
        out.print(sentence(each), soft_wrap=True)


def _show(about: Subject, audit: Audit, *, as_json: bool) -> None:
    """Keep what was found, and print it with the guard's answer."""
    ctx = about.ctx
    stored = None
    if ctx.round.line == refs.MAIN:
        stored = store.keep(ctx.lake, audit.record, audit.rows)
    found = stored or Stored(audit.record, "")
    told = applied.describe(found, audit.record.suite.candidates)
    figure = calibrated.of(told, ctx.round.dataset)
    answer = checks.hold(checks.CALIBRATION, figure, ctx.round.settings.publish.guard)
    if as_json:
        path = found.path or None
        content = {**audit.record.model_dump(mode="json"), "path": path, "guard": asdict(answer)}
        print_json(content)
    else:
        console().print(_rendered(found, answer), soft_wrap=True)


def _rendered(found: Stored, answer: Check) -> Group:
    record = found.record
    where = f"{refs.MAIN}: {found.path}" if found.path else "nowhere: this line publishes nothing"
    last = sentence(f"kept on {where}", style="bright_black")
    return Group(_findings(record), *_kinds(record), _answer(answer), last)


def _findings(record: Record) -> Any:  # noqa: ANN401  a table
    """φ, ψ, p and p* of the suite and of each expectation."""
    by = "a person's sheet" if record.source == "sheet" else "planted errors"
    title = (
        f"verifier of {record.dataset}, round {record.round}, by {by}: {record.answered:,} of "
        f"{record.asked:,} rows, suite {record.suite_digest[:12]}"
    )
    columns = ("expectation", "severity", "right", "wrong", "φ", "ψ", "p", "p*")
    every = {"the suite": record.suite, **record.expectations}
    rows = [
        [name, each.severity or "–", each.tally.correct, each.tally.wrong, *_estimates(each)]
        for name, each in every.items()
    ]
    return table(title, columns, rows)


def _estimates(found: Finding) -> list[str]:
    return [_interval(found.estimates[name]) for name in ESTIMATES]


def _interval(found: dict[str, Any]) -> str:
    return f"{number(found['value'])} ({found['low']:.3f}–{found['high']:.3f})"


def _kinds(record: Record) -> Iterator[Any]:
    """ψ of each planted kind: of the suite with p and p*, then of each expectation."""
    kinds = record.suite.kind_estimates
    if not kinds:
        return
    rows = [
        [kind, record.suite.kinds[kind].wrong, *(_interval(each[name]) for name in ESTIMATES[1:])]
        for kind, each in kinds.items()
    ]
    yield table("the suite, if all errors were of one kind", ("kind", "rows", "ψ", "p", "p*"), rows)
    shares = [
        [name, *(number(each.kind_estimates[kind]["keep_wrong"]["value"]) for kind in kinds)]
        for name, each in record.expectations.items()
    ]
    yield table("ψ: share of each planted kind that passes", ("expectation", *kinds), shares)


def _answer(answer: Check) -> Text:
    value = "unknown" if answer.value is None else f"{answer.value:.3f}"
    verdict = answer.verdict if answer.verdict == "pass" else answer.verdict.upper()
    return Text.assemble(
        sentence(f"guard: {answer.name} {value}: {verdict} ({answer.limit})"),
        ", upper bound of p over lower bound of p*\n       ",
        sentence(answer.evidence),
    )
