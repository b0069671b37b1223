"""`stemma replay REF`: ask the service of a round of texts again, and say whether it answers alike.

Answers are what a service sends: they are compared, and never printed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

import typer
from rich.text import Text

from pipelines.common import console
from pipelines.inquiry import text_replay
from pipelines.inquiry.text_replay import Replayed, TextReplay
from pipelines.llm.service_cost import ServiceCost
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import round_refs
from review.cli.output import make_console, plural, print_json, sentence
from review.errors import Findings, UsageError

DOLLARS: Final = 4
"""Decimal places of dollars."""
NAMED: Final = 10
"""Candidates that are named."""
SAME: Final = "same"


def run(*, ref: str, dataset: str | None, rows: int, yes: bool, as_json: bool) -> None:
    """Say what asking costs, ask after a confirmation, and print what came of it.

    Raises:
        Findings: the service does not answer as it did.
        UsageError: the ref names rounds of several data sets, or nobody confirms.
    """
    params = load()
    lake = open_lake(params)
    found = round_refs.find_only(params, lake, ref, dataset, "whose round to replay")
    prepared = text_replay.prepare(lake, found.commit, found.dataset, found.number, rows)
    for line in _spending(prepared):
        console.line(line)
    _confirm(yes=yes)
    replayed = prepared.run()
    if as_json:
        print_json(_to_dict(replayed))
    else:
        for part in _rendered(replayed):
            make_console().print(part, soft_wrap=True)
    if replayed.verdict != SAME:
        raise Findings(f"{found.key} is replayed: {replayed.verdict}")


def _spending(prepared: TextReplay) -> Iterator[str]:
    """Say what will be asked, what that costs at most, and what is left out."""
    for each in prepared.costs():
        yield _cost(each)
    for why, count in prepared.skipped.items():
        yield f"{count:,} {plural('request', count)} cannot be sent again: {why}"


def _cost(cost: ServiceCost) -> str:
    high, requests = cost.expected.dollars_high, cost.expected.requests
    paid = "an unknown amount" if high is None else f"at most ${high:,.{DOLLARS}f}"
    return f"{requests:,} {plural('request', requests)} to {cost.service.model}: {paid} is spent"


def _confirm(*, yes: bool) -> None:
    """Ask whether to go on.

    Raises:
        UsageError: nobody can be asked, or the answer is no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nothing was asked; confirm what it costs with --yes")
    if not typer.confirm("Ask?", err=True):
        raise UsageError("nothing was asked")


def _to_dict(replayed: Replayed) -> dict[str, Any]:
    replay = replayed.replay
    return {
        "dataset": replay.dataset,
        "round": replay.round,
        "commit": replay.commit,
        "verdict": replayed.verdict,
        "requests": len(replay.requests),
        "of": replay.of,
        "cannot_be_sent": dict(replay.skipped),
        "counts": dict(replayed.counts),
        "gone": list(replayed.gone),
        "not_asked_on": list(replayed.failed),
        "outcomes": [
            {
                "row": each.recorded.row,
                "step": each.recorded.step,
                "model": each.recorded.model,
                "served": {"recorded": each.recorded.served, "present": each.served},
                "result": each.result,
                "why": each.why or None,
            }
            for each in replayed.outcomes
        ],
    }


def _rendered(replayed: Replayed) -> Iterator[Text]:
    replay, counts = replayed.replay, replayed.counts
    style = "green" if replayed.verdict == SAME else "red"
    yield sentence(f"{replay.dataset}, round {replay.round}: {replayed.verdict}", style)
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    sent = len(replay.requests)
    yield sentence(
        f"{sent:,} of {replay.of:,} {plural('request', replay.of)} of the round: "
        f"{told or 'none was answered'}"
    )
    differing = sorted({each.recorded.row for each in replayed.outcomes if each.result != SAME})
    if differing:
        more = f" and {len(differing) - NAMED:,} more" if len(differing) > NAMED else ""
        named = ", ".join(map(str, differing[:NAMED]))
        yield sentence(f"planned rows whose answers are not the same: {named}{more}")
    for pair in _renamed(replayed):
        yield sentence(pair)
    for why in (*replayed.gone, *replayed.failed):
        yield sentence(why)


def _renamed(replayed: Replayed) -> list[str]:
    """Other names under which services answer now."""
    pairs = {
        (each.recorded.served, each.served)
        for each in replayed.outcomes
        if each.served is not None and each.served != each.recorded.served
    }
    return [f"the service called itself {then}, and {now} now" for then, now in sorted(pairs)]
