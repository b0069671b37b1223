"""The state of one call of `ask`: results so far, what they cost, and why it stopped."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pipelines.common import console
from pipelines.common.errors import PipelineError, TooManyFailures
from pipelines.llm import answers, costs, prices
from pipelines.llm.answer_writer import AnswerWriter
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.cache import Cache
from pipelines.llm.costs import Ledger
from pipelines.llm.figures import Figures
from pipelines.llm.image_requests import ImageRequest
from pipelines.llm.rate import RateLimiter
from pipelines.llm.settings import Service
from pipelines.llm.stored_values import Spent
from pipelines.llm.values import NOTHING, Failure, Reply, Request, Usage

TOO_MANY: Final = 429
HOPELESS: Final = 10
"""Requests that fail for good one after another, without any answer, before a run stops."""
SHOWN: Final = 3
"""Reasons of failures that a sentence lists."""
LONG_WAIT: Final = 10.0
"""Seconds from which a wait is said."""


@dataclass
class Attempt:
    """The current attempt at a request."""

    request: Request
    number: int = 0
    """Attempts that have been made, this one included; 0 before the first."""
    broken_answers: int = 0
    """Earlier answers after which the seed was moved."""
    started: float = field(default_factory=time.monotonic)
    """When the first attempt began, on the monotonic clock."""

    @property
    def seed(self) -> int | None:
        """The request's seed, moved on after each broken answer: the same one would break again."""
        seed = self.request.seed
        return None if seed is None else seed + self.broken_answers

    @property
    def body(self) -> Mapping[str, Any]:
        """The request's body, with the seed of this attempt."""
        moved = self.seed is not None and self.broken_answers
        return {**self.request.body, "seed": self.seed} if moved else self.request.body


@dataclass
class RequestSession:
    """What the workers, or the batches, of one call of `ask` share."""

    service: Service
    cache: Cache
    """Read by the event loop; `writer` writes."""
    writer: AnswerWriter
    limiter: RateLimiter
    ledger: Ledger
    progress: Callable[[int, int], None]
    total: int
    """Distinct requests of the call."""
    results: dict[str, Reply | Failure]
    """By the request's digest."""
    planned: int | None = None
    """Requests of all calls with this ledger, where the share that may fail is one of them."""
    texts: bool = True
    """Whether results have their texts."""
    stopped: PipelineError | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    """Why requests failed for good."""
    answered: int = 0
    """Requests that this call has answered."""
    before: dict[str, float | None] = field(default_factory=dict)
    """Dollars that earlier runs paid for broken answers, by the request's digest."""
    waiting: float = 0.0
    """Until when it was said that the service asks to wait, on the monotonic clock."""
    told: bool = False
    """Whether it was said that the service does not count tokens."""
    figures: Figures = field(default_factory=Figures)

    def prepare(self, missing: Sequence[Request]) -> None:
        """Check the requests that will be sent, and count what was paid for them before.

        Raises:
            ParamsError: A schema is no JSON schema, or there is a budget and no price.
        """
        for schema in {id(request.schema): request.schema for request in missing}.values():
            if schema:
                answers.check_schema(schema)
        for request in missing:
            costs.worst_case(self.service, request)
        paid = {digest: reply.dollars for digest, reply in self.results.items()}
        broken = self.cache.spent(request.digest for request in missing)
        self.before = {digest: spent.dollars for digest, spent in broken.items()}
        self.ledger.restart()
        self.ledger.remember(paid, answered=len(paid))
        self.ledger.remember(self.before, 0)
        self.figures.begin(len(missing))
        for each in missing[:1] if self.ledger.began is None else ():
            sentence = prices.sentence(self.service, each.model)
            if sentence is not None and not isinstance(each, ImageRequest):
                console.line(sentence)
        self.progress(len(self.results), self.total)

    def finish(self, result: Reply | Failure) -> None:
        """Count a result, and stop the session when too many requests failed."""
        self.results[result.digest] = result
        self.figures.count(result)
        self.report()
        if isinstance(result, Reply):
            self.ledger.done += 1
            self.answered += 1
            return
        self.reasons[result.reason] += 1
        self.ledger.failed += 1
        self._check_failures()

    def _check_failures(self) -> None:
        """Stop the session where more requests failed than may, or the first ones all did."""
        failed, answered, of = self.reasons.total(), self.answered, self.total
        if self.planned is not None:
            failed, answered, of = self.ledger.failed, self.ledger.done, self.planned
        if failed > self.service.max_failures * of:
            allowed = f"max_failures ({self.service.max_failures:g}) does not allow"
            self.stop(
                TooManyFailures(
                    f"{failed} of {of} requests failed for good, which {allowed}: {self._tally()}"
                )
            )
        elif failed >= HOPELESS and not answered:
            self.stop(
                TooManyFailures(
                    f"the first {failed} of {of} requests failed for good and none was "
                    f"answered: {self._tally()}"
                )
            )

    def report(self) -> None:
        """Say how many requests are done, and now and then what they took."""
        note = getattr(self.progress, "note", None)
        if note is not None and self.figures.is_due():
            note(self.figures.sentence(self.ledger))
        self.progress(len(self.results), self.total)

    def _tally(self) -> str:
        """Why requests failed, the most frequent reason first."""
        counted = self.reasons.most_common(SHOWN)
        more = len(self.reasons) - len(counted)
        listed = "; ".join(f"{count} × {reason}" for reason, count in counted)
        return f"{listed}; and {more} other reasons" if more else listed

    def stop(self, error: PipelineError) -> None:
        """Begin no further attempt; those in flight may end."""
        self.stopped = self.stopped or error

    def price(self, request: Request, usage: Usage) -> float | None:
        """Return what an attempt cost, in dollars; None: the price is unknown."""
        paid = costs.paid(self.service, request, usage)
        self.ledger.unpriced |= paid is None
        pictured = isinstance(request, ImageRequest)
        if not usage.known and paid and not self.told and not pictured:
            self.told = True
            console.line(
                f"{request.model}: the service does not say how many tokens it took, so each "
                f"answer counts as what it can cost at most, ${paid:.4f} for the first"
            )
        return paid

    async def keep(self, attempt: Attempt, answer: answers.Answer, paid: float | None) -> Reply:
        """Store an answer and return the stored one: another process may have been faster."""
        digest = attempt.request.digest
        stored = await self.writer.keep(
            Reply(
                digest=digest,
                text=answer.text,
                parsed=answer.parsed,
                model=answer.model,
                tokens_in=answer.usage.tokens_in,
                tokens_out=answer.usage.tokens_out,
                finish_reason=answer.finish_reason,
                dollars=paid,
                attempts=attempt.number,
                seed=attempt.seed,
                seconds=time.monotonic() - attempt.started,
            )
        )
        text = stored.text if self.texts else ""
        return replace(stored, text=text, dollars_before=self.before.get(digest, 0.0))

    async def charge(self, request: Request, error: AttemptError) -> float | None:
        """Record what an attempt without an answer was billed, and return it; None: nothing."""
        if error.usage == NOTHING and not error.text:
            return None
        paid = self.price(request, error.usage)
        await self.writer.broke(request.digest, error.usage, paid, error.reason, error.text)
        return paid

    def slow_down(self, since: float, error: AttemptError) -> None:
        """Hold all requests back where the service asks for it.

        Args:
            since: When the refused request was sent, on the limiter's clock.
            error: How it was refused.
        """
        wait = error.retry_after
        wait = None if wait is None else min(wait, self.service.wait_max_s)
        if error.status == TOO_MANY and error.retryable:
            self.limiter.refused(since, wait)
        elif wait is not None and error.retryable:
            self.limiter.pause(wait)

    def waits(self, seconds: float, error: AttemptError) -> None:
        """Say that the service asks for a long wait, once for requests that wait together."""
        now = time.monotonic()
        if seconds >= LONG_WAIT and now >= self.waiting:
            self.waiting = now + seconds
            console.line(f"waiting {seconds:.0f} s, as the service asks: {error.reason}")

    def failure(self, attempt: Attempt, error: AttemptError) -> Failure:
        """Return the end of a request without an answer, with all that it has cost."""
        digest = attempt.request.digest
        spent = self.cache.spent([digest]).get(digest, Spent())
        return Failure(
            digest,
            error.reason,
            attempt.number,
            spent.tokens_in,
            spent.tokens_out,
            spent.dollars,
            self.before.get(digest, 0.0),
        )
