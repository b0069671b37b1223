"""`stemma losses REF`: what became of every row that a round planned, and of those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from rich.console import RenderableType

from lake import refs
from lake.client import Lake
from pipelines.inquiry.losses import of_datasets, of_rounds
from pipelines.inquiry.losses.endings import (
    ACCEPTED,
    HELD_OUT,
    OUTCOMES,
    OVERRIDDEN,
    Ending,
    RoundLosses,
    total,
)
from pipelines.params import Params, load
from pipelines.rounds.context import open_lake
from review.cli import files, round_refs
from review.cli.output import as_json as json_text
from review.cli.output import make_console, number, plural, print_json, sentence, table
from review.errors import Findings, UsageError

KEPT: Final = (ACCEPTED, OVERRIDDEN)
WIDTH: Final = 80
"""Characters of a line that every terminal has."""
BAR: Final = 24
"""Characters of the longest bar."""
NOT_RECORDED: Final = "not recorded"
REASON: Final = 300
"""Characters of a reason that the table shows; `--json` has all of it."""


def run(*, ref: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Account for the rows of the rounds at a ref, or of all rounds of a data set.

    Raises:
        Findings: numbers do not add up.
    """
    params = load()
    lake = open_lake(params)
    every = ref in params.datasets and dataset in (None, ref)
    rounds = of_datasets.of_dataset(lake, ref) if every else list(_at(params, lake, ref, dataset))
    content = {"ref": ref, "rounds": [each.to_dict() for each in rounds]}
    if output is not None:
        files.write(output, [json_text(content, indent=2), "\n"])
    if as_json:
        print_json(content)
    else:
        _print(ref, rounds, by_round=every)
        if output is not None:
            make_console().print(sentence(f"wrote {output}"), soft_wrap=True)
    faults = [fault for each in rounds if (fault := each.fault()) is not None]
    if faults:
        raise Findings("; ".join(faults))


def _at(params: Params, lake: Lake, ref: str, dataset: str | None) -> Iterator[RoundLosses]:
    """The rounds that a ref names: that of its branch or tag, or the last of each data set."""
    tag = refs.TAG.match(ref)
    if tag is not None and int(tag["round"]) == 0 and (commit := lake.tags(ref).get(ref)):
        if dataset not in (None, tag["dataset"]):
            raise UsageError(f"{ref} is about {tag['dataset']}, not about {dataset}")
        yield of_rounds.of_round(lake, tag["dataset"], 0, commit)
        return
    for each in round_refs.find(params, lake, ref, dataset):
        yield of_rounds.of_round(lake, each.dataset, each.number, each.commit)


def _print(ref: str, rounds: Sequence[RoundLosses], *, by_round: bool) -> None:
    out = make_console()
    shown = _over_rounds(ref, rounds) if by_round else chain.from_iterable(map(_rendered, rounds))
    for part in shown:
        out.print(part)


def _over_rounds(dataset: str, rounds: Sequence[RoundLosses]) -> Iterator[RenderableType]:
    """All rounds of a data set, and what is to be known of some."""
    if not rounds:
        yield sentence(f"the lake holds no round of {dataset} yet")
        return
    yield from _by_round(dataset, rounds)
    if any(each.planned is None for each in rounds):
        yield "–: what was planned is not recorded by the release that made the round"
    for each in rounds:
        if each.told:
            yield sentence(f"round {each.round} was {each.told}")


def _by_round(dataset: str, rounds: Sequence[RoundLosses]) -> Iterator[RenderableType]:
    """A row for each round; outcomes that no row has are left out.

    Where there are more outcomes than fit a narrow terminal, further tables have the rest.
    """
    counts = [each.by_outcome() for each in rounds]
    columns: dict[str, list[object]] = {"planned": [each.planned for each in rounds]}
    for name in OUTCOMES:
        if any(name in each for each in counts):
            columns[name] = [each.get(name, 0) for each in counts]
    head = [[str(each.round), each.state] for each in rounds]
    used = sum(max(len(row[index]) + 3 for row in head) for index in (0, 1)) + 4
    for names in _fitting(columns, WIDTH - used):
        body = [[*row, *(columns[name][at] for name in names)] for at, row in enumerate(head)]
        yield table(dataset, ("round", "state", *names), body)


def _fitting(columns: Mapping[str, Sequence[object]], width: int) -> Iterator[list[str]]:
    """Names of columns, as many at a time as fit so many characters."""
    held, used = list[str](), 0
    for name, cells in columns.items():
        own = max(len(name), *(len(number(cell)) for cell in cells)) + 3
        if held and used + own > width:
            yield held
            held, used = [], 0
        held.append(name)
        used += own
    yield held


def _rendered(losses: RoundLosses) -> Iterator[RenderableType]:
    planned = NOT_RECORDED if losses.planned is None else f"{losses.planned:,}"
    yield sentence(
        f"{losses.dataset}, round {losses.round} at {losses.commit[:12]}: {losses.state}", "bold"
    )
    yield sentence(f"planned: {planned}; accounted for: {losses.total:,}")
    if losses.told:
        yield sentence(losses.told)
    yield table("", ("", "rows", "share", ""), _funnel(losses))
    ended = [_row(each, losses.total) for each in losses.endings]
    yield table("how they ended", ("ended as", "why", "rows", "share", "such as"), ended)
    for each in losses.endings:
        if each.also is not None and each.also > each.rows:
            reasons = f"{each.also:,} rows, and the first one of {each.rows:,} of them"
            yield sentence(f"{each.reason} was a reason of {reasons}")
    if losses.before is not None:
        yield from _before(losses)


def _before(losses: RoundLosses) -> Iterator[RenderableType]:
    before = losses.before
    if before is None or not before.rows:
        return
    rows = [_row(each, before.rows) for each in before.endings]
    title = f"the {before.rows:,} {plural('row', before.rows)} of main before it"
    yield table(title, ("ended as", "why", "rows", "share", "such as"), rows)


def _funnel(losses: RoundLosses) -> list[list[object]]:
    """Steps from what was planned to what main holds, with bars."""
    kept = total(each for each in losses.judged if each.outcome in KEPT)
    held_out = total(each for each in losses.endings if each.outcome == HELD_OUT)
    steps = [
        ("planned", losses.planned),
        ("candidates", losses.made),
        *([("held out", held_out)] if held_out else []),
        ("in main", kept),
    ]
    whole = losses.total
    return [
        [name, NOT_RECORDED if rows is None else rows, _share(rows, whole), _bar(rows, whole)]
        for name, rows in steps
    ]


def _bar(rows: int | None, whole: int) -> str:
    return "█" * round(BAR * rows / whole) if rows and whole else ""


def _share(rows: int | None, whole: int) -> str:
    return number(rows / whole if rows is not None and whole else None)


def _row(ending: Ending, whole: int) -> list[object]:
    stage = f"{ending.stage}: " if ending.stage and ending.reason else ending.stage
    reason = ending.reason if len(ending.reason) <= REASON else f"{ending.reason[:REASON]}…"
    first = ending.examples[0] if ending.examples else ""
    return [ending.outcome, f"{stage}{reason}", ending.rows, _share(ending.rows, whole), first]
