"""Ask a service a few requests at once, each until it is answered or has failed for good.

Backoff is exponential with jitter; a time that the service asks to wait is obeyed, up to a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from pipelines.common.errors import PipelineError, ServiceError
from pipelines.llm import answers, costs
from pipelines.llm.connection import Door
from pipelines.llm.faults import Fault, Stopped
from pipelines.llm.retry import patience
from pipelines.llm.session import Run, Tried
from pipelines.llm.values import Failure, Reply, Request


async def run(work: Run, door: Door, missing: Sequence[Request]) -> None:
    """Answer what is missing; what stops the run is left in it.

    Raises:
        ServiceError: the service cannot be used; what is in flight is given up at once.
    """
    queue = iter(missing)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(work.service.concurrency, len(missing))):
                group.create_task(_worker(work, door, queue))
    except* PipelineError as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[PipelineError]) -> PipelineError:
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


async def _worker(work: Run, door: Door, queue: Iterator[Request]) -> None:
    for request in queue:
        try:
            result = await _one(work, door, request)
        except Stopped:
            return
        work.finish(result)


async def _one(work: Run, door: Door, request: Request) -> Reply | Failure:
    """Answer a request, in as many attempts as the settings allow."""
    import stamina  # noqa: PLC0415  with what it needs, slow to import

    tried = Tried(request)
    try:
        async for attempt in stamina.retry_context(**patience(work)):
            with attempt:
                return await _attempt(work, door, tried)
    except Fault as fault:
        if fault.fatal or fault.unreachable:
            raise ServiceError(fault.reason) from None
        return work.failure(tried, fault)
    raise AssertionError("a retry ends with a value or an error")


async def _attempt(work: Run, door: Door, tried: Tried) -> Reply:
    """Send a request once, within the budget, and keep the answer."""
    request = tried.request
    there = work.cache.answers([request.digest]).get(request.digest)
    if there is not None:  # another process has asked meanwhile
        return there
    reserved = await _reserved(work, request)
    tried.attempts += 1
    paid, uncertain = None, False
    try:
        answer = answers.read(await door.send(request.path, tried.body), request)
        paid = work.price(request, answer.tokens_in, answer.tokens_out)
        return work.keep(tried, answer, paid)
    except Fault as fault:
        paid, uncertain = work.charge(request, fault), fault.uncertain
        tried.other_seed += fault.other_seed
        raise
    finally:
        await work.ledger.settle(reserved, paid, uncertain=uncertain)


async def _reserved(work: Run, request: Request) -> float:
    """Set the attempt's worst case aside; what does not fit stops the run."""
    amount = costs.worst_case(work.service, request)
    try:
        if work.stopped is None:
            await work.ledger.reserve(amount, work.service.budget_usd)
    except ServiceError as error:
        work.stop(error)
    if work.stopped is not None:
        raise Stopped
    return amount
