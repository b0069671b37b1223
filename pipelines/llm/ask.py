"""Send many requests to a service at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pipelines.common.errors import ParamsError
from pipelines.llm import batch, online
from pipelines.llm.answer_writer import AnswerWriter
from pipelines.llm.cache import Cache
from pipelines.llm.connection import ServiceConnection
from pipelines.llm.costs import Ledger
from pipelines.llm.rate import RateLimiter
from pipelines.llm.session import RequestSession
from pipelines.llm.settings import Service, access
from pipelines.llm.values import Failure, Reply, Request

CACHE: Final = Path(".stemma/llm")
"""Where answers are stored unless another directory is given, below the project's directory."""


def ask(
    requests: Sequence[Request],
    service: Service,
    *,
    cache: Path = CACHE,
    progress: Callable[[int, int], None] | None = None,
    ledger: Ledger | None = None,
    planned: int | None = None,
) -> list[Reply | Failure]:
    """Answer each request, in order, from the cache or by the service.

    Equal requests are sent once. Answers are stored as they arrive: a killed run that is started
    again sends only the requests that are missing. Nothing is sent, and no key is needed, when the
    cache has all answers.

    Args:
        requests: What to send.
        service: The service, with its limits and retries.
        cache: Directory of the answers.
        progress: Is told how many requests are done, and of how many
            (`pipelines.common.progress.bar` gives one).
        ledger: Counts what a round with several calls has cost, so that its budget holds for all
            of them; None: the budget is for this call.
        planned: Requests of all calls with this ledger, of which `max_failures` is the share; None:
            it is the share of this call.

    Raises:
        ServiceError: The service cannot be used at all: no key or a wrong one, no such model, no
            such address.
        BudgetError: The next request could pass `budget_usd`.
        TooManyFailures: More requests failed for good than `max_failures` allows.
        ParamsError: A schema is no JSON schema, or there is a budget and no price.
    """
    distinct = {request.digest: request for request in requests}
    with Cache.open(cache) as opened:
        results: dict[str, Reply | Failure] = dict(opened.answers(distinct))
        missing = [request for digest, request in distinct.items() if digest not in results]
        session = RequestSession(
            service,
            opened,
            AnswerWriter(cache),
            RateLimiter(service.resolved_concurrency),
            ledger or Ledger(),
            progress or _silent,
            len(distinct),
            results,
            planned,
        )
        session.prepare(missing)
        if missing:
            asyncio.run(_run(session, missing))
        if session.stopped is not None:
            raise session.stopped
    return [results[request.digest] for request in requests]


async def _run(session: RequestSession, missing: Sequence[Request]) -> None:
    """Answer the missing requests, by single requests or in batches."""
    if session.service.batch and access(session.service) is None:
        raise ParamsError("the local model's server knows no batches: set batch to false")
    if session.service.batch and session.service.time_s is not None:
        raise ParamsError("a batch takes up to a day, whatever time_s is: leave out one of them")
    opened = ServiceConnection(session.service, session.limiter.learn)
    async with session.writer, opened as connection:
        run = batch.run if session.service.batch else online.run
        await run(session, connection, missing)


def _silent(done: int, of: int) -> None:
    """Report no progress."""
