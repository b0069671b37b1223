"""`stemma try DATASET`: a few candidates of the next round, with prompt, verdicts and cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from pipelines.common import console
from pipelines.inquiry import cost_estimate, trial
from pipelines.inquiry.cost_estimate import Part
from pipelines.inquiry.trial import Tried
from pipelines.llm import prices
from pipelines.params import load, resolve
from pipelines.rounds.context import RoundContext, open_lake
from review.cli.output import make_console, number, plural, print_json, sentence
from review.provenance import exchanges

DOLLARS: Final = 6
"""Decimal places of dollars."""


def run(*, name: str, count: int, as_json: bool) -> None:
    """Say what trying spends, then try and print."""
    params, key = cost_estimate.next_round(load(), name)
    ctx = RoundContext(params, resolve(params, key), open_lake(params))
    with trial.prepare(ctx, count) as prepared:
        parts = prepared.parts()
        for line in _spending(key, parts):
            console.line(line)
        tried = prepared.run()
    if as_json:
        print_json(_to_dict(key, parts, tried))
        return
    out = make_console()
    for part in _rendered(tried):
        out.print(part, soft_wrap=True)


def _spending(key: str, parts: list[Part]) -> Iterator[str]:
    """Say what will be asked, and what that costs at most."""
    for part in parts:
        expected, model = part.expected, part.service.model
        new = expected.requests - expected.cached
        high = expected.dollars_high
        cost = "an unknown amount" if high is None else f"at most ${high:.{DOLLARS}f}"
        kept = f", {expected.cached} of them answered already" if expected.cached else ""
        asked = f"{expected.requests} {plural('request', expected.requests)} to {model}{kept}"
        yield f"{key}, {part.stage}: {asked}; {'nothing' if not new else cost} is spent"
        guess = prices.sentence(part.service, model)
        if guess is not None and new:
            yield guess


def _to_dict(key: str, parts: list[Part], tried: Tried) -> dict[str, Any]:
    frame, asked = tried.result.candidates, tried.result.report.exchanges
    hidden = {"sample_id", "prompt_digest"}
    candidates = frame.drop(hidden & set(frame.columns)).to_dicts()
    return {
        "round": key,
        "stages": sorted({part.stage for part in parts}),
        "cost": dict(tried.result.report.cost),
        "candidates": candidates,
        "exchanges": [] if asked is None else asked.to_dicts(),
        "verdicts": None if tried.verdicts is None else tried.verdicts.to_dicts(),
        "unjudged": tried.unjudged,
    }


def _rendered(tried: Tried) -> Iterator[Text]:
    asked = tried.result.report.exchanges
    if asked is not None:
        for (planned,), rows in asked.group_by("planned", maintain_order=True):
            yield Text(f"\ncandidate {planned}", style="bold")
            chosen = rows.filter("chosen")
            yield from exchanges.draw(chosen.to_dicts())
            if others := len(rows) - len(chosen):
                yield sentence(
                    f"{others} more {plural('request', others)}, for candidates that are no "
                    "better; --json has them"
                )
            row = chosen["row"][0]
            if row is not None and tried.verdicts is not None:
                yield from _verdicts(tried, int(row))
    if tried.unjudged is not None:
        yield sentence(f"no verdicts: {tried.unjudged}")
    yield sentence(_cost(tried))


def _verdicts(tried: Tried, row: int) -> Iterator[Text]:
    if tried.verdicts is None:
        return
    failed = trial.failed(tried.verdicts, row)
    judged = tried.verdicts.filter(tried.verdicts["row"] == row).height
    yield sentence(f"passed {judged - len(failed)} of {judged} expectations")
    for each in failed:
        observed = each["observed"]
        shown = "" if observed is None else f", observed {observed:.4g}"
        detail = f": {each['detail']}" if each["detail"] else ""
        yield sentence(
            f"  {each['verdict']} {each['expectation']} ({each['severity']}{shown}){detail}"
        )


def _cost(tried: Tried) -> str:
    cost = tried.result.report.cost
    now, tokens = cost.get("dollars_now"), (cost["tokens_in"], cost["tokens_out"])
    dollars = "an unknown amount" if now is None else f"${now:.{DOLLARS}f}"
    return (
        f"spent now on candidates: {dollars}; {number(tokens[0])} tokens in, {number(tokens[1])} "
        "out; the answers are kept, and the round does not ask for them again"
    )
