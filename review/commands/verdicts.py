"""`stemma verdicts REF`: why candidates of a round did not pass, and which ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from expectations.reasons import Judged, Reason
from lake.client import Lake
from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.verification.verdicts import report
from pipelines.verification.verdicts.report import Report
from review.cli import files, round_refs
from review.cli.output import console, number, plural, print_json, sentence, table
from review.cli.round_refs import RoundRef
from review.errors import UsageError

COLUMNS = ("expectation", "severity", "passed", "failed", "unknown", "reason", "rows", "samples")
NAMED = 3
"""Samples of each reason that the table names; JSON and the page have as many as were asked for."""
SETS = 8
"""Sets of expectations that fail together of which the table tells."""


def run(
    *,
    ref: str,
    dataset: str | None,
    round_number: int | None,
    html: Path | None,
    limit: int,
    as_json: bool,
) -> None:
    """Read the verdicts of the rounds at a ref, print them by reason, and draw the page."""
    params = load()
    lake = open_lake(params)
    wanted = round_refs.find(params, lake, ref, dataset)
    if round_number is not None:
        wanted = [replace(each, number=round_number) for each in wanted]
    if html is not None and len(wanted) > 1:
        names = " and ".join(each.dataset for each in wanted)
        raise UsageError(f"{ref} holds {names}; say with --dataset which the page is about")
    found = [report.read(lake, each.commit, each.dataset, each.number, limit) for each in wanted]
    if html is not None:
        files.write(html, [_page(lake, wanted[0], found[0])])
    if as_json:
        about = zip(wanted, found, strict=True)
        rounds = [{"commit": each.commit, **told.to_dict()} for each, told in about]
        print_json({"ref": ref, "rounds": rounds, "html": html})
        return
    out = console()
    for each, told in zip(wanted, found, strict=True):
        for part in _rendered(each, told):
            out.print(part)
    if html is not None:
        out.print(sentence(f"wrote {html}"), soft_wrap=True)


def _page(lake: Lake, target: RoundRef, told: Report) -> str:
    from pipelines.verification.verdicts import page  # noqa: PLC0415  only a page needs the template engine

    candidates = report.candidates(lake, target.commit, target.dataset, target.number)
    return page.draw(told, report.shown(candidates, told))


def _rendered(target: RoundRef, told: Report) -> Iterator[RenderableType]:
    kept = told.candidates - told.rejected
    yield Text.assemble(
        "\n",
        sentence(f"{target.key} at {target.ref}", "bold"),
        f": {told.candidates:,} {plural('candidate', told.candidates)}, {told.rejected:,} rejected,"
        f" {kept:,} kept, {told.marked:,} of them with a warning; suite {told.suite[:12]}",
    )
    failing = [each for each in told.judged if each.verdict != "passed"]
    if failing:
        rows = [row for each in failing for row in _rows(each, told)]
        yield table("", COLUMNS, rows)
    several = [each for each in told.together if len(each.names) > 1]
    if several:
        body = [
            [each.count, " + ".join(each.names), "rejected" if each.rejects else "kept"]
            for each in several[:SETS]
        ]
        yield table("fail together", ("candidates", "expectations", "candidate is"), body)
    passing = [each.name for each in told.judged if each.verdict == "passed"]
    if passing:
        yield sentence(f"passed by all: {', '.join(passing)}")


def _rows(judged: Judged, told: Report) -> Iterator[Sequence[object]]:
    """A line for each reason; the first one names the expectation."""
    head: Sequence[object] = (
        judged.name,
        judged.severity,
        judged.passed,
        judged.failed,
        judged.unknown,
    )
    for reason in judged.reasons:
        yield [*head, _said(reason, judged), reason.count, _samples(reason, told)]
        head = ("",) * len(head)


def _said(reason: Reason, judged: Judged) -> str:
    """A reason, and where nothing else tells it, the numbers that were seen."""
    unknown = "unknown: " if reason.verdict == "unknown" and judged.failed else ""
    if reason.least is None or judged.level == "table":
        return f"{unknown}{reason.text}"
    least, most = number(reason.least), number(reason.most)
    seen = least if least == most else f"{least} to {most}"
    return f"{unknown}{reason.text} ({seen})"


def _samples(reason: Reason, told: Report) -> str:
    """The first samples, as `stemma audit` takes them."""
    named = [f"{told.samples[row]} (row {row})" for row in reason.rows[:NAMED]]
    more = ["…"] if reason.count > NAMED and reason.rows else []
    return ", ".join([*named, *more]) or "the round as a whole"
