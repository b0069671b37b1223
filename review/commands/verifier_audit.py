"""`stemma verifier audit DATASET`: how good is the verifier, and is that enough?

Without options it draws candidates and writes a sheet for a person to fill in; a sheet that exists
is read back; `--planted` plants errors and needs no person. The result is stored in the lake, where
the guard reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from expectations import judge_error
from expectations.calibration import Estimate
from lake import refs
from lineage.evidence import Check
from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.verification.calibrations import agreement, applied, audits, sheets, store
from pipelines.verification.calibrations.audits import Audit, Subject
from pipelines.verification.calibrations.merges import Stored
from pipelines.verification.calibrations.records import Finding, Record
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, number, print_json, sentence, table
from review.errors import UsageError
from review.provenance import page

FOLDER: Final = Path("audits")
GATES: Final = (
    "from now on the guard holds p against p* in every round of {} with this suite and these "
    "settings of verify, and a round whose p may be too large is blocked; a later audit takes the "
    "place of this one"
)
"""What becomes of an audit that is kept."""
ESTIMATES: Final = ("keep_correct", "keep_wrong", "error", "threshold")


def run(
    *,
    dataset: str,
    round_number: int | None,
    rows: int,
    sheet: Path | None,
    planted: bool,
    adaptive: bool = False,
    reviewer: str | None = None,
    as_json: bool,
) -> None:
    """Write a sheet, or audit by a sheet that was filled in or by planted errors.

    Raises:
        UsageError: a sheet that is not there yet is said to be somebody's, or a sheet is about
            something else, or is there already.
    """
    if reviewer is not None and not (sheet is not None and sheet.exists()):
        raise UsageError(
            f"--reviewer names who filled in a sheet, and {sheet or 'none'} is not there; draw it "
            "without --reviewer, or name the sheet that was filled in"
        )
    params = load()
    wanted_dataset(params, dataset)
    lake = open_lake(params)
    if sheet is not None and sheet.exists():
        question = sheets.read_request(sheet)
        _fits(sheet, question, dataset, round_number)
        subject = audits.subject(lake, params, dataset, question.round)
        _show(subject, audits.answered(subject, sheet, question, reviewer), as_json=as_json)
        return
    subject = audits.subject(lake, params, dataset, round_number)
    if planted:
        audit = _planted(subject, rows, adaptive=adaptive)
        _show(subject, audit, as_json=as_json)
    else:
        _ask(subject, sheet, rows, as_json=as_json)


def _planted(subject: Subject, rows: int, *, adaptive: bool) -> Audit:
    # Great Expectations, which a sheet does not need, takes seconds.
    from pipelines.verification.calibrations import planted_audits  # noqa: PLC0415

    if adaptive:
        return planted_audits.adaptive(subject, 2 * rows)[0]
    return planted_audits.planted(subject, rows)


def _fits(sheet: Path, question: sheets.LabellingRequest, dataset: str, number: int | None) -> None:
    if question.dataset != dataset or number not in (None, question.round):
        raise UsageError(
            f"{sheet} asks about round {question.round} of {question.dataset}; name that data set "
            "and round, or another sheet"
        )


def _ask(subject: Subject, sheet: Path | None, rows: int, *, as_json: bool) -> None:
    """Write the sheet and its page, and print what to do with them."""
    round_ = subject.ctx.round
    path = sheet or FOLDER / f"{refs.branch_name(round_.dataset, round_.number)}.csv"
    if path.exists():
        raise UsageError(
            f"{path} is there already; read it with --sheet {path}, or remove it to draw another"
        )
    drawn = audits.ask(subject, path, rows)
    page_path = page.write(path, drawn, round_.dataset, round_.number)
    then = f"stemma verifier audit {round_.dataset} --sheet {path}"
    if as_json:
        print_json({"sheet": str(path), "page": str(page_path), "rows": len(drawn), "then": then})
        return
    out = make_console()
    message = f"wrote {path}: {len(drawn)} candidates of round {round_.number}, verdicts not shown"
    answer = (
        f"answer in {page_path} (one key per row, then put what it saves in place of {path}), or "
        "fill in the column truth: right, wrong, or the label that you see"
    )
    for text in (message, answer, f"then run `{then}`"):
        out.print(sentence(text), soft_wrap=True)


def _show(subject: Subject, audit: Audit, *, as_json: bool) -> None:
    """Store the result of an audit in the lake, and print it with the guard's answer."""
    ctx = subject.ctx
    stored = None
    if ctx.round.line == refs.MAIN:
        stored = store.keep(ctx.lake, audit.record, audit.rows)
    kept = stored or Stored(audit.record, "")
    answer = applied.guard_check(kept, ctx.round.settings.publish.guard)
    if as_json:
        place = {"path": kept.path or None, "digest": kept.digest or None, "signed_by": kept.signer}
        content = {
            **kept.record.model_dump(mode="json"),
            **place,
            "guard": asdict(answer),
            "wrong_share": asdict(_wrong_share(kept.record)),
            "gates": bool(kept.path),
        }
        print_json(content)
    else:
        make_console().print(_rendered(kept, answer), soft_wrap=True)


def _rendered(kept: Stored, answer: Check) -> Group:
    record = kept.record
    where = f"{refs.MAIN}: {kept.path}" if kept.path else "nowhere: this line publishes nothing"
    last = sentence(f"kept on {where}", style="bright_black")
    share = _wrong_share(record)
    lee = sentence(
        f"wrong candidates {number(share.value)} ({share.low:.3f}–{share.high:.3f}), by the "
        "interval of Lee et al. (2025), which counts the verifier's own errors"
    )
    gates = [sentence(GATES.format(record.dataset), "yellow")] if kept.path else []
    agreed = [sentence(agreement.told(record))] if record.source == "sheet" else []
    return Group(_findings(record), *_kinds(record), _answer(answer), lee, *agreed, last, *gates)


def _wrong_share(record: Record) -> Estimate:
    """The share of wrong candidates, by how many the suite keeps of them and of audited rows."""
    suite = record.suite
    made = suite.candidates
    return judge_error.wrong_share(suite.tally.counts, kept=made.kept, candidates=made.rows)


def _findings(record: Record) -> Any:  # noqa: ANN401  a table
    """A table of φ, ψ, p and p* of the suite and of each expectation."""
    by = "a person's sheet" if record.source == "sheet" else "planted errors"
    title = (
        f"verifier of {record.dataset}, round {record.round}, by {by}: {record.answered:,} of "
        f"{record.asked:,} rows, suite {record.suite_digest[:12]}"
    )
    columns = ("expectation", "severity", "right", "wrong", "φ", "ψ", "p", "p*")
    every = {"the suite": record.suite, **record.expectations}
    rows = [
        [
            name,
            finding.severity or "–",
            finding.tally.correct,
            finding.tally.wrong,
            *_estimates(finding),
        ]
        for name, finding in every.items()
    ]
    return table(title, columns, rows)


def _estimates(finding: Finding) -> list[str]:
    return [_interval(finding.estimates[name]) for name in ESTIMATES]


def _interval(estimate: dict[str, Any]) -> str:
    return f"{number(estimate['value'])} ({estimate['low']:.3f}–{estimate['high']:.3f})"


def _kinds(record: Record) -> Iterator[Any]:
    """Tables of ψ by kind of planted error: of the suite with p and p*, then per expectation."""
    kinds = record.suite.kind_estimates
    if not kinds:
        return
    rows = [
        [
            kind,
            record.suite.kinds[kind].wrong,
            *(_interval(estimates[name]) for name in ESTIMATES[1:]),
        ]
        for kind, estimates in kinds.items()
    ]
    yield table("the suite, if all errors were of one kind", ("kind", "rows", "ψ", "p", "p*"), rows)
    shares = [
        [name, *(number(finding.kind_estimates[kind]["keep_wrong"]["value"]) for kind in kinds)]
        for name, finding in record.expectations.items()
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
