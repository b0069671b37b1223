"""Tokens and dollars: what answers cost, what they may cost, and the budget that stops in time.

The budget counts what the round's answers cost when they were paid, in this run or before. Before
a request is sent, the most that it can cost is reserved: every byte of its body as a token (no
tokenizer makes more), and all of `max_tokens`. So the budget is never passed, whatever is in
flight. An attempt that was cut off may have been billed; the budget counts its worst case.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipelines.common.errors import BudgetError, ParamsError
from pipelines.llm import content_parts, prices
from pipelines.llm.image_requests import ImageRequest
from pipelines.llm.settings import LOCAL, Price, Service
from pipelines.llm.values import Failure, Reply, Request, Usage

if TYPE_CHECKING:
    import asyncio

MILLION: Final = 1_000_000
BATCH_SHARE: Final = 0.5
"""The share of the usual price that the Batch API costs."""
TEMPLATE_TOKENS: Final = 64
"""Tokens that a chat template adds around the messages, at most."""
PICTURE_TOKENS: Final = 2_833 + 8 * 5_667
"""Tokens of a picture, at most: those that gpt-4o-mini counts for eight tiles in high detail."""
BYTES_PER_TOKEN: Final = (6.0, 2.5)
"""Bytes of text in a token, at most and at least, for the estimate."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What requests will cost, before they are sent."""

    requests: int
    cached: int
    """Requests that are already answered: they cost nothing any more."""
    tokens_in_low: int
    tokens_in_high: int
    tokens_out_low: int
    tokens_out_high: int
    dollars_low: float | None
    dollars_high: float | None
    """None: a price is unknown."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a list of results cost when it was paid."""

    requests: int
    cached: int
    failures: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    """None: a price is unknown."""
    dollars_now: float | None
    """Of the dollars, those that this run has paid: cached answers cost nothing now."""
    per_request: float | None


def price_of(service: Service, model: str) -> Price | None:
    """Return dollars per million tokens of a model, halved for a batch; None: unknown.

    What the settings name counts, else the estimate of a public table (`prices`).
    """
    price = service.prices.get(model)
    if price is None:
        guess = prices.estimated(service, model)
        if guess is None:
            return Price(input=0, output=0) if model == LOCAL else None
        price = guess.price
    share = BATCH_SHARE if service.batch else 1.0
    return Price(input=price.input * share, output=price.output * share)


def dollars(price: Price | None, tokens_in: int, tokens_out: int) -> float | None:
    """Return what tokens cost, in dollars; None: the price is unknown."""
    if price is None:
        return None
    return (tokens_in * price.input + tokens_out * price.output) / MILLION


def worst_case(service: Service, request: Request) -> float:
    """Return the most that one attempt can cost, in dollars; 0 where there is no budget.

    Raises:
        ParamsError: There is a budget, and no price.
    """
    if service.budget_usd is None:
        return 0.0
    amount = at_most(service, request)
    if amount is None:
        raise ParamsError(
            f"budget_usd needs to know what {request.model} costs: add it to prices, in dollars "
            f"per million tokens"
        )
    return amount


def at_most(service: Service, request: Request) -> float | None:
    """Return the most that one attempt can cost, in dollars; None: the price is unknown."""
    if isinstance(request, ImageRequest):
        return request.price
    tokens_in = _body_bytes(request) + TEMPLATE_TOKENS + _picture_tokens(request)
    return dollars(price_of(service, request.model), tokens_in, request.max_tokens)


def paid(service: Service, request: Request, usage: Usage) -> float | None:
    """Return what an attempt cost, in dollars, or at most cost where its tokens are unknown.

    Returns:
        Dollars; None: the price is unknown.
    """
    if not usage.known or isinstance(request, ImageRequest):
        return at_most(service, request)
    price = price_of(service, request.model)
    return dollars(price, usage.tokens_in, usage.tokens_out)


def estimate(requests: Sequence[Request], service: Service, cached: Iterable[str] = ()) -> Estimate:
    """Return what requests will cost, without sending any.

    Args:
        requests: What would be sent.
        service: Gives the prices.
        cached: Digests that are answered already (`cache.answered`).
    """
    answered = set(cached)
    distinct = {request.digest: request for request in requests}
    new = [request for digest, request in distinct.items() if digest not in answered]
    low = [_least(service, request) for request in new]
    high = [_most(service, request) for request in new]
    return Estimate(
        requests=len(requests),
        cached=len(distinct) - len(new),
        tokens_in_low=sum(tokens for tokens, _, _ in low),
        tokens_in_high=sum(tokens for tokens, _, _ in high),
        tokens_out_low=sum(tokens for _, tokens, _ in low),
        tokens_out_high=sum(tokens for _, tokens, _ in high),
        dollars_low=_sum(amount for _, _, amount in low),
        dollars_high=_sum(amount for _, _, amount in high),
    )


def total(results: Iterable[Reply | Failure]) -> Cost:
    """Return the sum of what results cost; equal requests count once."""
    distinct = {result.digest: result for result in results}.values()
    cached = [result for result in distinct if isinstance(result, Reply) and result.cached]
    paid = _sum(result.dollars for result in distinct)
    paid_before = _sum(_before(result) for result in distinct)
    return Cost(
        requests=len(distinct),
        cached=len(cached),
        failures=sum(isinstance(result, Failure) for result in distinct),
        tokens_in=sum(result.tokens_in for result in distinct),
        tokens_out=sum(result.tokens_out for result in distinct),
        dollars=paid,
        dollars_now=None if paid is None or paid_before is None else paid - paid_before,
        per_request=None if paid is None or not distinct else paid / len(distinct),
    )


def _before(result: Reply | Failure) -> float | None:
    """What earlier runs paid for a result; None: the price is unknown."""
    if isinstance(result, Reply) and result.cached:
        return result.dollars
    return result.dollars_before


@dataclass
class Ledger:
    """What a round has cost and has reserved, in dollars; one ledger for all calls of a round."""

    spent: float = 0.0
    """Paid for the round's answers and broken answers, in this run or before."""
    uncertain: float = 0.0
    """Possibly billed, for attempts that were cut off."""
    reserved: float = 0.0
    """Reserved for attempts in flight."""
    done: int = 0
    """Requests answered."""
    failed: int = 0
    """Requests that failed for good."""
    began: float | None = None
    """When the run first asked, on the monotonic clock; None: it has not."""
    unpriced: bool = False
    """Whether the price of an attempt was unknown, so that `spent` says too little."""
    _counted: set[str] = field(default_factory=set)
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def remember(self, paid: Mapping[str, float | None], answered: int) -> None:
        """Count what was paid for requests before this call; each digest counts once."""
        new = {digest: amount for digest, amount in paid.items() if digest not in self._counted}
        self._counted.update(new)
        self.spent += sum(amount or 0.0 for amount in new.values())
        self.done += answered

    def check_time(self, most: float | None) -> None:
        """Check that a run may go on.

        Raises:
            BudgetError: It has taken `most` seconds.
        """
        now = time.monotonic()
        self.began = now if self.began is None else self.began
        if most is not None and now - self.began >= most:
            raise BudgetError(
                f"the run has taken time_s ({most:g} s); {self.done} requests are answered and "
                "kept: start it again, and it goes on from there"
            )

    async def reserve(self, amount: float, budget: float | None) -> None:
        """Reserve the worst case of an attempt, waiting for others where that may make room.

        Raises:
            BudgetError: Nothing is in flight, and the attempt could pass the budget.
        """
        from asyncio import get_running_loop  # noqa: PLC0415  no reader of params.yaml needs it

        while budget is not None and not self._fits(amount, budget):
            if self.reserved <= 0:
                raise self.over(budget)
            turn = get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self.reserved += amount

    def settle(self, reserved: float, paid: float | None, *, uncertain: bool = False) -> None:
        """Replace what was reserved by what an attempt cost, and let others look for room again."""
        self.reserved = max(0.0, self.reserved - reserved)
        self.spent += paid or 0.0
        self.uncertain += reserved if uncertain else 0.0
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def restart(self) -> None:
        """Forget the last event loop, and what was in flight there."""
        self._waiting, self.reserved = [], 0.0

    def over(self, budget: float) -> BudgetError:
        """Return the error that says what the budget was spent on."""
        cut = f" and perhaps ${self.uncertain:.4f} for attempts cut off" if self.uncertain else ""
        return BudgetError(
            f"${self.spent:.4f} is spent{cut}, and the next request could pass budget_usd "
            f"(${budget:.4f}); {self.done} requests are answered and kept: raise the budget, and "
            f"the run goes on from there"
        )

    def _fits(self, amount: float, budget: float) -> bool:
        return self.spent + self.uncertain + self.reserved + amount <= budget


def _body_bytes(request: Request) -> int:
    """Bytes of the whole body without pictures; a schema may be billed too."""
    whole = len(json.dumps(request.body, ensure_ascii=False).encode())
    return whole - sum(map(len, content_parts.pictures(request.messages or ())))


def _picture_tokens(request: Request) -> int:
    """The most tokens that the pictures of a request count."""
    return PICTURE_TOKENS * sum(1 for _ in content_parts.pictures(request.messages or ()))


def _text_bytes(request: Request) -> int:
    """Bytes of the text that the model reads in any case."""
    return len(f"{request.prompt or ''}{content_parts.texts(request.messages or ())}".encode())


def _least(service: Service, request: Request) -> tuple[int, int, float | None]:
    """The lower bounds of a request: tokens in, tokens out, dollars."""
    if isinstance(request, ImageRequest):
        return 0, 0, request.price
    return _amount(service, request, int(_text_bytes(request) / BYTES_PER_TOKEN[0]), 1)


def _most(service: Service, request: Request) -> tuple[int, int, float | None]:
    """The upper bounds of a request: tokens in, tokens out, dollars."""
    if isinstance(request, ImageRequest):
        return 0, 0, request.price
    tokens_in = int(_body_bytes(request) / BYTES_PER_TOKEN[1]) + TEMPLATE_TOKENS
    tokens_in += _picture_tokens(request)
    return _amount(service, request, tokens_in, request.max_tokens)


def _amount(
    service: Service, request: Request, tokens_in: int, tokens_out: int
) -> tuple[int, int, float | None]:
    price = price_of(service, request.model)
    return tokens_in, tokens_out, dollars(price, tokens_in, tokens_out)


def _sum(amounts: Iterable[float | None]) -> float | None:
    """The sum; None when one of them is unknown."""
    listed = list(amounts)
    if any(amount is None for amount in listed):
        return None
    return sum(amount for amount in listed if amount)
