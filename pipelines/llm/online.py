"""Send a few requests at once, each until it is answered or has failed for good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from pipelines.common.errors import GoneError, PipelineError, ServiceError
from pipelines.llm import answers, costs, image_requests
from pipelines.llm.attempt_error import AttemptError, StoppedError
from pipelines.llm.connection import ServiceConnection
from pipelines.llm.image_requests import ImageRequest
from pipelines.llm.retry import retry
from pipelines.llm.session import Attempt, RequestSession
from pipelines.llm.values import Failure, Reply, Request

NOT_FOUND: Final = 404
"""Status of a service that does not know the model, or of an address that is none of a service."""


async def run(
    session: RequestSession, connection: ServiceConnection, missing: Sequence[Request]
) -> None:
    """Answer the missing requests; the error that stops the session is left in it.

    Raises:
        ServiceError: The service cannot be used; requests in flight are given up at once.
    """
    queue = iter(missing)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(session.service.resolved_concurrency, len(missing))):
                group.create_task(_work(session, connection, queue))
    except* PipelineError as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[PipelineError]) -> PipelineError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _work(
    session: RequestSession, connection: ServiceConnection, queue: Iterator[Request]
) -> None:
    """Answer one request of the queue after another."""
    for request in queue:
        try:
            result = await _answer(session, connection, request)
        except StoppedError:
            return
        session.finish(result)


async def _answer(
    session: RequestSession, connection: ServiceConnection, request: Request
) -> Reply | Failure:
    """Answer a request, in as many attempts as the settings allow.

    Raises:
        ServiceError: No request can succeed.
        StoppedError: The session was stopped.
    """
    attempt = Attempt(request)
    try:
        async for retrying in retry(session):
            with retrying:
                return await _send(session, connection, attempt)
    except AttemptError as error:
        if error.unreachable or error.status == NOT_FOUND:
            raise GoneError(error.reason) from None
        if error.fatal:
            raise ServiceError(error.reason) from None
        return session.failure(attempt, error)
    raise AssertionError("retrying ends with a value or an error")


async def _send(session: RequestSession, connection: ServiceConnection, attempt: Attempt) -> Reply:
    """Send a request once, when the limiter lets it go, and store the answer.

    A request counts as in flight until its answer is on disk, so a kill loses no more than that.
    """
    since = await session.limiter.acquire()
    try:
        return await _sent(session, connection, attempt)
    except AttemptError as error:
        session.slow_down(since, error)
        raise
    finally:
        session.limiter.release()


async def _sent(session: RequestSession, connection: ServiceConnection, attempt: Attempt) -> Reply:
    """Send a request once, within the budget, and store the answer."""
    request = attempt.request
    digest = request.digest
    stored = session.cache.answers([digest], texts=session.texts).get(digest)
    if stored is not None:  # another process has sent the request meanwhile
        return stored
    reserved = await _reserve(session, request)
    attempt.number += 1
    paid, uncertain = None, False
    try:
        answer = _read(await connection.send(request.path, attempt.body), request)
        session.limiter.answered(sum(answer.usage[:2]))
        paid = session.price(request, answer.usage)
        return await session.keep(attempt, answer, paid)
    except AttemptError as error:
        paid, uncertain = await session.charge(request, error), error.uncertain
        attempt.broken_answers += error.other_seed
        raise
    finally:
        session.ledger.settle(reserved, paid, uncertain=uncertain)


def _read(data: bytes, request: Request) -> answers.Answer:
    """Return the answer in the body of a 200: a picture, or a text."""
    if isinstance(request, ImageRequest):
        return image_requests.read(data, request)
    return answers.read(data, request)


async def _reserve(session: RequestSession, request: Request) -> float:
    """Reserve the worst case of an attempt, in dollars; what the budget lacks stops the session."""
    amount = costs.worst_case(session.service, request)
    try:
        if session.stopped is None:
            session.ledger.check_time(session.service.time_s)
            await session.ledger.reserve(amount, session.service.budget_usd)
    except ServiceError as error:
        session.stop(error)
    if session.stopped is not None:
        raise StoppedError
    return amount
