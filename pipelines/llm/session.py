"""The state of one call of `ask`: results so far, what they cost, and why it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.common.errors import PipelineError, TooManyFailures
from pipelines.llm import answers, costs
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.cache import Cache, Spent
from pipelines.llm.costs import Ledger
from pipelines.llm.settings import Service
from pipelines.llm.values import Failure, Reply, Request


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
    ledger: Ledger
    progress: Callable[[int, int], None]
    total: int
    """Distinct requests of the call."""
    results: dict[str, Reply | Failure]
    """By the request's digest."""
    stopped: PipelineError | None = None
    failed: int = 0

    def prepare(self, missing: Sequence[Request]) -> None:
        """Check the requests that will be sent, and count what was paid for them before.

        Raises:
            ParamsError: A schema is no JSON schema, or there is a budget and no price.
        """
        schemas = {id(request.schema): request.schema for request in missing}
        for schema in schemas.values():
            if schema:
                answers.check_schema(schema)
        for request in missing:
            costs.worst_case(self.service, request)
        paid = {digest: reply.dollars for digest, reply in self.results.items()}
        broken = self.cache.spent(request.digest for request in missing)
        self.ledger.restart()
        self.ledger.remember(paid, answered=len(paid))
        self.ledger.remember({digest: spent.dollars for digest, spent in broken.items()}, 0)
        self.progress(len(self.results), self.total)

    def finish(self, result: Reply | Failure) -> None:
        """Count a result, and stop the session when too many requests failed."""
        self.results[result.digest] = result
        self.progress(len(self.results), self.total)
        if isinstance(result, Reply):
            self.ledger.done += 1
            return
        self.failed += 1
        if self.failed > self.service.max_failures * self.total:
            self.stop(
                TooManyFailures(
                    f"{self.failed} of {self.total} requests failed for good, which max_failures "
                    f"({self.service.max_failures:g}) does not allow; the last one: {result.reason}"
                )
            )

    def stop(self, error: PipelineError) -> None:
        """Begin no further attempt; those in flight may end."""
        self.stopped = self.stopped or error

    def price(self, request: Request, tokens_in: int, tokens_out: int) -> float | None:
        """Return what tokens of a request cost, in dollars; None: the price is unknown."""
        return costs.dollars(costs.price_of(self.service, request.model), tokens_in, tokens_out)

    def keep(self, attempt: Attempt, answer: answers.Answer, paid: float | None) -> Reply:
        """Store an answer and return the stored one: another process may have been faster."""
        return self.cache.keep(
            Reply(
                **answer._asdict(),
                digest=attempt.request.digest,
                dollars=paid,
                attempts=attempt.number,
                seed=attempt.seed,
                seconds=time.monotonic() - attempt.started,
            )
        )

    def charge(self, request: Request, error: AttemptError) -> float | None:
        """Record what an attempt without an answer was billed, and return it; None: nothing."""
        if error.tokens == (0, 0):
            return None
        paid = self.price(request, *error.tokens)
        self.cache.broke(request.digest, *error.tokens, paid, error.reason)
        return paid

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
        )
