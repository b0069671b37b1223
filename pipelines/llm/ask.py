"""Ask a service many requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pipelines.common.errors import ParamsError
from pipelines.llm import batch, online
from pipelines.llm.cache import Cache
from pipelines.llm.connection import Door
from pipelines.llm.costs import Ledger
from pipelines.llm.session import Run
from pipelines.llm.settings import Service, access
from pipelines.llm.values import Failure, Reply, Request

CACHE: Final = Path(".stemma/llm")
"""Where answers are kept unless told otherwise, below the project's directory."""


def ask(
    requests: Sequence[Request],
    service: Service,
    *,
    cache: Path = CACHE,
    progress: Callable[[int, int], None] | None = None,
    ledger: Ledger | None = None,
) -> list[Reply | Failure]:
    """Answer each request, in order, from the cache or by the service.

    Equal requests are asked once. Answers are kept as they arrive: a killed run that is started
    again asks for what is missing only. Nothing is asked, and no key is needed, when all is there.

    Args:
        requests: what to ask.
        service: whom to ask, and how patiently.
        cache: directory of the answers.
        progress: told how many are done, and of how many (`pipelines.common.progress.bar` gives
            one).
        ledger: counts what a round with several calls has cost, so that its budget holds for all
            of them; None: the budget is for this call.

    Raises:
        ServiceError: the service cannot be used at all: no key or a wrong one, no such model, no
            such address.
        BudgetError: the next request could pass `budget_usd`.
        TooManyFailures: more requests failed for good than `max_failures` allows.
        ParamsError: a schema is none, or there is a budget and no price.
    """
    distinct = {request.digest: request for request in requests}
    with Cache.open(cache) as kept:
        known: dict[str, Reply | Failure] = dict(kept.answers(distinct))
        missing = [request for digest, request in distinct.items() if digest not in known]
        work = Run(service, kept, ledger or Ledger(), progress or _silent, len(distinct), known)
        work.prepare(missing)
        if missing:
            asyncio.run(_all(work, missing))
        if work.stopped is not None:
            raise work.stopped
    return [known[request.digest] for request in requests]


async def _all(work: Run, missing: Sequence[Request]) -> None:
    """Answer what is missing, by single requests or in batches."""
    if work.service.batch and access(work.service) is None:
        raise ParamsError("the local model's server knows no batches: set batch to false")
    async with Door(work.service) as door:
        way = batch.run if work.service.batch else online.run
        await way(work, door, missing)


def _silent(done: int, of: int) -> None:
    """Tell nobody."""
