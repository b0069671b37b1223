"""`stemma estimate`: what a round of a language model will cost, before any request is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from pipelines.inquiry import cost_estimate
from pipelines.inquiry.cost_estimate import Part
from pipelines.llm import prices
from pipelines.llm.settings import LOCAL
from pipelines.params import load, resolve
from pipelines.rounds.context import RoundContext, open_lake
from review.cli.output import make_console, number, print_json, sentence, table

COLUMNS: Final = (
    "stage",
    "model",
    "requests",
    "cached",
    "tokens in",
    "tokens out",
    "dollars",
    "minutes",
)
MINUTE: Final = 60
CENTS: Final = 4
"""Decimal places of dollars."""


def run(*, name: str, as_json: bool) -> None:
    """Estimate and print."""
    params, key = cost_estimate.next_round(load(), name)
    parts = cost_estimate.estimate(RoundContext(params, resolve(params, key), open_lake(params)))
    if as_json:
        print_json({"round": key, "parts": [_to_dict(part) for part in parts]})
        return
    out = make_console()
    if not parts:
        out.print(sentence(f"{key} asks no service: it costs nothing but time"))
        return
    out.print(table(key, COLUMNS, [_row(part) for part in parts]))
    for line in _remarks(parts):
        out.print(sentence(line), soft_wrap=True)


def _to_dict(part: Part) -> dict[str, Any]:
    guess = None if part.pictures else prices.estimated(part.service, part.service.model)
    return {
        "stage": part.stage,
        "model": part.service.model,
        "batch": part.service.batch,
        "budget_usd": part.service.budget_usd,
        "seconds": part.seconds,
        "price_source": None if guess is None else guess.source,
        **asdict(part.expected),
    }


def _row(part: Part) -> list[object]:
    expected = part.expected
    return [
        part.stage,
        part.service.model,
        expected.requests,
        expected.cached,
        _range(expected.tokens_in_low, expected.tokens_in_high),
        _range(expected.tokens_out_low, expected.tokens_out_high),
        _range(expected.dollars_low, expected.dollars_high, CENTS),
        None if part.seconds is None else round(part.seconds / MINUTE, 1),
    ]


def _range(low: float | None, high: float | None, digits: int = 0) -> str:
    if low is None or high is None:
        return "unknown"
    ends = [number(float(end), digits) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _remarks(parts: list[Part]) -> Iterator[str]:
    """Sentences about what the table does not show: unknown prices, budgets, durations."""
    texts = (part.service for part in parts if not part.pictures)
    guesses = (prices.sentence(service, service.model) for service in texts)
    yield from dict.fromkeys(guess for guess in guesses if guess is not None)
    for part in parts:
        model, high = part.service.model, part.expected.dollars_high
        if high is None:
            yield _unknown_price(part)
        elif part.service.budget_usd is not None and high > part.service.budget_usd:
            yield (
                f"{part.stage} may stop at budget_usd, ${part.service.budget_usd:,.2f}; what was "
                f"answered is kept, and a larger budget goes on from there"
            )
        if model == LOCAL and part.seconds is None:
            yield f"how long {part.stage} takes on the local model is unknown before a first round"


def _unknown_price(part: Part) -> str:
    """Where a price is missing, and in what unit."""
    where = (
        "generate.hosted_images.image_prices, in dollars of a picture"
        if part.pictures
        else "prices of the service, in dollars per million tokens of input and output"
    )
    return f"the price of {part.service.model} is unknown: add it to {where}"
