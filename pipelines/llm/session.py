"""One call of `ask` while it works: results so far, what they cost, and why it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.common.errors import PipelineError, TooManyFailures
from pipelines.llm import answers, costs
from pipelines.llm.cache import Cache, Spent
from pipelines.llm.costs import Ledger
from pipelines.llm.faults import Fault
from pipelines.llm.settings import Service
from pipelines.llm.values import Failure, Reply, Request


@dataclass
class Tried:
    """A request and its attempts so far."""

    request: Request
    attempts: int = 0
    other_seed: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seed(self) -> int | None:
        """The request's seed, moved on after each broken answer: the same one would break again."""
        return None if self.request.seed is None else self.request.seed + self.other_seed

    @property
    def body(self) -> Mapping[str, Any]:
        """What is sent now."""
        moved = self.seed is not None and self.other_seed
        return {**self.request.body, "seed": self.seed} if moved else self.request.body


@dataclass
class Run:
    """What workers and batches share."""

    service: Service
    cache: Cache
    ledger: Ledger
    progress: Callable[[int, int], None]
    wanted: int
    results: dict[str, Reply | Failure]
    stopped: PipelineError | None = None
    failed: int = 0

    def prepare(self, missing: Sequence[Request]) -> None:
        """Check what will be asked, and count what was paid for it before.

        Raises:
            ParamsError: a schema is none, or there is a budget and no price.
        """
        for schema in {id(one.schema): one.schema for one in missing if one.schema}.values():
            answers.check_schema(schema)
        for request in missing:
            costs.worst_case(self.service, request)
        paid = {digest: reply.dollars for digest, reply in self.results.items()}
        broken = self.cache.spent(request.digest for request in missing)
        self.ledger.restart()
        self.ledger.remember(paid, answered=len(paid))
        self.ledger.remember({digest: spent.dollars for digest, spent in broken.items()}, 0)
        self.progress(len(self.results), self.wanted)

    def finish(self, result: Reply | Failure) -> None:
        """Count a result, and stop the run when too many failed."""
        self.results[result.digest] = result
        self.progress(len(self.results), self.wanted)
        if isinstance(result, Reply):
            self.ledger.done += 1
            return
        self.failed += 1
        if self.failed > self.service.max_failures * self.wanted:
            self.stop(
                TooManyFailures(
                    f"{self.failed} of {self.wanted} requests failed for good, which max_failures "
                    f"({self.service.max_failures:g}) does not allow; the last one: {result.reason}"
                )
            )

    def stop(self, error: PipelineError) -> None:
        """Begin no more attempts; what is in flight may end."""
        self.stopped = self.stopped or error

    def price(self, request: Request, tokens_in: int, tokens_out: int) -> float | None:
        """Dollars for tokens of a request."""
        return costs.dollars(costs.price_of(self.service, request.model), tokens_in, tokens_out)

    def keep(self, tried: Tried, answer: answers.Answer, paid: float | None) -> Reply:
        """Keep an answer, and say which one is kept: another process may have been faster."""
        return self.cache.keep(
            Reply(
                digest=tried.request.digest,
                text=answer.text,
                parsed=answer.parsed,
                model=answer.model,
                tokens_in=answer.tokens_in,
                tokens_out=answer.tokens_out,
                dollars=paid,
                attempts=tried.attempts,
                seed=tried.seed,
                finish_reason=answer.finish_reason,
                seconds=time.monotonic() - tried.started,
            )
        )

    def charge(self, request: Request, fault: Fault) -> float | None:
        """Record what an attempt without an answer was billed, if it was."""
        if fault.tokens == (0, 0):
            return None
        paid = self.price(request, *fault.tokens)
        self.cache.broke(request.digest, *fault.tokens, paid, fault.reason)
        return paid

    def failure(self, tried: Tried, fault: Fault) -> Failure:
        """A request's end without an answer, with all that it has cost."""
        digest = tried.request.digest
        spent = self.cache.spent([digest]).get(digest, Spent())
        return Failure(
            digest,
            fault.reason,
            tried.attempts,
            spent.tokens_in,
            spent.tokens_out,
            spent.dollars,
        )
