"""Send many requests to a service, or to several services, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.common.errors import ParamsError, PipelineError
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


@dataclass(frozen=True)
class Asking:
    """Requests to one service."""

    requests: Sequence[Request]
    service: Service
    """With its limits and retries."""
    progress: Callable[[int, int], None] | None = None
    """Is told how many requests are done, and of how many (`pipelines.common.progress.bar` gives
    one)."""
    ledger: Ledger | None = None
    """Counts what a round with several calls has cost, so that its budget holds for all of them;
    None: the budget is for this call."""
    planned: int | None = None
    """Requests of all calls with this ledger, of which `max_failures` is the share; None: it is the
    share of this call."""
    texts: bool = True
    """Whether replies come with their texts. Without, only those in flight are in memory, and
    `cache.read` gives each: for pictures."""


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
        progress: As `Asking.progress`.
        ledger: As `Asking.ledger`.
        planned: As `Asking.planned`.

    Raises:
        ServiceError: The service cannot be used at all: no key or a wrong one, no such model, no
            such address.
        BudgetError: The next request could pass `budget_usd`.
        TooManyFailures: More requests failed for good than `max_failures` allows.
        ParamsError: A schema is no JSON schema, or there is a budget and no price.
    """
    (answers,) = ask_all([Asking(requests, service, progress, ledger, planned)], cache=cache)
    return answers


def ask_all(askings: Sequence[Asking], *, cache: Path = CACHE) -> list[list[Reply | Failure]]:
    """Ask several services at the same time, each as `ask` does.

    Where one of them stops, the others send no further request; their requests in flight are waited
    for, and their answers kept.

    Raises:
        PipelineError: As `ask`, of the service that stopped first.
    """
    with Cache.open(cache) as opened:
        writer = AnswerWriter(cache)
        sessions = [_session(each, opened, writer) for each in askings]
        missing = list(map(_missing, sessions, askings))
        for session, requests in zip(sessions, missing, strict=True):
            session.prepare(requests)
        if any(missing):
            asyncio.run(_run(sessions, missing, writer))
        for session in sessions:
            if session.stopped is not None:
                raise session.stopped
    return [
        [session.results[request.digest] for request in each.requests]
        for session, each in zip(sessions, askings, strict=True)
    ]


def _session(asking: Asking, cache: Cache, writer: AnswerWriter) -> RequestSession:
    digests = {request.digest for request in asking.requests}
    return RequestSession(
        asking.service,
        cache,
        writer,
        RateLimiter(asking.service.resolved_concurrency),
        asking.ledger or Ledger(),
        asking.progress or _silent,
        len(digests),
        dict(cache.answers(digests, texts=asking.texts)),
        asking.planned,
        texts=asking.texts,
    )


def _missing(session: RequestSession, asking: Asking) -> list[Request]:
    """Return the different requests without an answer, in order."""
    distinct = {request.digest: request for request in asking.requests}
    return [request for digest, request in distinct.items() if digest not in session.results]


async def _run(
    sessions: Sequence[RequestSession], missing: Sequence[Sequence[Request]], writer: AnswerWriter
) -> None:
    """Answer what is missing of each session, all at the same time; errors are left in them."""
    tasks: list[tuple[RequestSession, asyncio.Task[None]]] = []

    async def guarded(session: RequestSession, requests: Sequence[Request]) -> None:
        try:
            await _answer(session, requests)
        except PipelineError as error:
            session.stop(error)
        except asyncio.CancelledError:
            if session.stopped is None:  # by the user, and not below
                raise
        if session.stopped is not None:
            for other, task in tasks:
                other.stop(session.stopped)
                if other is not session and other.service.batch:
                    task.cancel()  # it may take a day, and its batch is found again

    async with writer:
        pairs = zip(sessions, missing, strict=True)
        tasks += [(each, asyncio.create_task(guarded(each, own))) for each, own in pairs if own]
        await asyncio.gather(*(task for _, task in tasks))


async def _answer(session: RequestSession, missing: Sequence[Request]) -> None:
    """Answer the missing requests of a service, by single requests or in batches."""
    if session.service.batch and access(session.service) is None:
        raise ParamsError("the local model's server knows no batches: set batch to false")
    if session.service.batch and session.service.time_s is not None:
        raise ParamsError("a batch takes up to a day, whatever time_s is: leave out one of them")
    async with ServiceConnection(session.service, session.limiter.learn) as connection:
        run = batch.run if session.service.batch else online.run
        await run(session, connection, missing)


def _silent(done: int, of: int) -> None:
    """Report no progress."""
