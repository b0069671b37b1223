"""`stemma verdicts REF`: why candidates of a round did not pass, and which ones they are."""

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
from review.cli.output import make_console, number, plural, print_json, sentence, table
from review.cli.round_refs import RoundRef
from review.errors import UsageError

COLUMNS = ("expectation", "severity", "passed", "failed", "unknown", "reason", "rows", "samples")
NAMED = 3
"""Samples of each reason that the table names; JSON and the page have as many as `--limit`."""
SETS = 8
"""Sets of expectations that fail together which the table lists."""


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
    rounds_at = round_refs.find(params, lake, ref, dataset)
    if round_number is not None:
        rounds_at = [replace(round_ref, number=round_number) for round_ref in rounds_at]
    if html is not None and len(rounds_at) > 1:
        names = " and ".join(round_ref.dataset for round_ref in rounds_at)
        raise UsageError(f"{ref} holds {names}; say with --dataset which the page is about")
    reports = [
        report.read(lake, round_ref.commit, round_ref.dataset, round_ref.number, limit)
        for round_ref in rounds_at
    ]
    if html is not None:
        files.write(html, [_page(lake, rounds_at[0], reports[0])])
    if as_json:
        pairs = zip(rounds_at, reports, strict=True)
        content = [{"commit": round_ref.commit, **result.to_dict()} for round_ref, result in pairs]
        print_json({"ref": ref, "rounds": content, "html": html})
        return
    out = make_console()
    for round_ref, result in zip(rounds_at, reports, strict=True):
        for part in _rendered(round_ref, result):
            out.print(part)
    if html is not None:
        out.print(sentence(f"wrote {html}"), soft_wrap=True)


def _page(lake: Lake, round_ref: RoundRef, result: Report) -> str:
    from pipelines.verification.verdicts import page  # noqa: PLC0415  only a page needs the template engine

    candidates = report.candidates(lake, round_ref.commit, round_ref.dataset, round_ref.number)
    return page.draw(result, report.shown(candidates, result))


def _rendered(round_ref: RoundRef, result: Report) -> Iterator[RenderableType]:
    yield Text.assemble(
        "\n",
        sentence(f"{round_ref.key} at {round_ref.ref}", "bold"),
        f": {result.candidates:,} {plural('candidate', result.candidates)}, "
        f"{result.rejected:,} rejected, {result.marked:,} flagged; "
        f"suite {result.suite[:12]}",
    )
    failing = [group for group in result.judged if group.verdict != "passed"]
    if failing:
        rows = [row for group in failing for row in _rows(group, result)]
        yield table("", COLUMNS, rows)
    several = [group for group in result.together if len(group.names) > 1]
    if several:
        body = [
            [group.count, " + ".join(group.names), "rejected" if group.rejects else "not rejected"]
            for group in several[:SETS]
        ]
        yield table("fail together", ("candidates", "expectations", "candidate is"), body)
    passing = [group.name for group in result.judged if group.verdict == "passed"]
    if passing:
        yield sentence(f"passed by all: {', '.join(passing)}")


def _rows(judged: Judged, result: Report) -> Iterator[Sequence[object]]:
    """One row per reason; the first one names the expectation."""
    head: Sequence[object] = (
        judged.name,
        judged.severity,
        judged.passed,
        judged.failed,
        judged.unknown,
    )
    for reason in judged.reasons:
        yield [*head, _described(reason, judged), reason.count, _samples(reason, result)]
        head = ("",) * len(head)


def _described(reason: Reason, judged: Judged) -> str:
    """A reason, with the range of observed numbers where the row is about candidates."""
    unknown = "unknown: " if reason.verdict == "unknown" and judged.failed else ""
    if reason.least is None or judged.level == "table":
        return f"{unknown}{reason.text}"
    least, greatest = number(reason.least), number(reason.most)
    observed = least if least == greatest else f"{least} to {greatest}"
    return f"{unknown}{reason.text} ({observed})"


def _samples(reason: Reason, result: Report) -> str:
    """The first samples, by prefixes of ids that `stemma audit` accepts."""
    named = [f"{result.samples[row]} (row {row})" for row in reason.rows[:NAMED]]
    more = ["…"] if reason.count > NAMED and reason.rows else []
    return ", ".join([*named, *more]) or "the round as a whole"
