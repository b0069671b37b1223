"""The same requests through the Batch API: half the price, within a day.

Requests travel as a JSONL file, one batch for each endpoint and model. Before a batch is made, a
token for it is written into the cache and into the batch itself, so a killed run finds its batch
again and goes on waiting for it. Requests without an answer go into the next batch.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pipelines.common.errors import ServiceError
from pipelines.llm import answers, costs
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.batch_api import BatchApi, answer_body, request_line
from pipelines.llm.connection import ServiceConnection
from pipelines.llm.session import Attempt, RequestSession
from pipelines.llm.values import Request

MAX_REQUESTS: Final = 10_000
MAX_BYTES: Final = 50_000_000
"""Bounds of a batch; OpenAI takes 50,000 requests and 200 MB."""


async def run(
    session: RequestSession, connection: ServiceConnection, missing: Sequence[Request]
) -> None:
    """Answer the missing requests, batch after batch; the error that stops the session is in it.

    Raises:
        ServiceError: The service cannot be used, or refuses a batch.
    """
    batches = Batches(session, connection, missing)
    try:
        await batches.resume()
        while batches.pending and session.stopped is None:
            await batches.submit()
    except AttemptError as error:
        raise ServiceError(error.reason) from None


class Batches:
    """The batches of a session, and the requests that none of them has answered yet."""

    def __init__(
        self, session: RequestSession, connection: ServiceConnection, missing: Sequence[Request]
    ) -> None:
        """Begin with all missing requests pending."""
        self.pending = {request.digest: Attempt(request) for request in missing}
        self._session = session
        self._connection = connection
        self._api = BatchApi(session, connection)

    async def resume(self) -> None:
        """Wait for batches that an earlier run made for some of these requests.

        Raises:
            AttemptError: The service refused one of them, or no request can succeed.
        """
        cache = self._session.cache
        for token, batch_id, digests in cache.batches(self._connection.base_url):
            own = [self.pending[digest] for digest in digests if digest in self.pending]
            if not own:
                continue
            found_id = batch_id or await self._api.find(token)
            if found_id is None:  # the batch was never made
                cache.end_batch(token, ())
                continue
            await self._collect(found_id, own)
            cache.end_batch(token, set(digests) - {attempt.request.digest for attempt in own})

    async def submit(self) -> None:
        """Send all pending requests in batches, and wait for each.

        Raises:
            AttemptError: The service refuses a batch, or no request can succeed.
        """
        for part in _parts(list(self.pending.values())):
            if self._session.stopped is None:
                await self._submit_part(part)

    async def _submit_part(self, part: Sequence[Attempt]) -> None:
        """Make one batch of as many requests as the budget has room for, and wait for it."""
        session = self._session
        affordable, reserved = _affordable(session, part)
        if not affordable:
            session.stop(session.ledger.over(session.service.budget_usd or 0.0))
            return
        await session.ledger.reserve(reserved, session.service.budget_usd)
        token = secrets.token_hex(16)
        digests = [attempt.request.digest for attempt in affordable]
        session.cache.begin_batch(token, self._connection.base_url, digests)
        try:
            batch_id = await self._api.create(token, affordable)
            session.cache.name_batch(token, batch_id)
            await self._collect(batch_id, affordable)
            session.cache.end_batch(token, ())
        finally:
            session.ledger.settle(reserved, None)

    async def _collect(self, batch_id: str, attempts: Sequence[Attempt]) -> None:
        """Wait until a batch has ended, and store its answers.

        Raises:
            AttemptError: The service refused the whole batch, or says that no request can succeed.
        """
        batch = await self._api.wait(batch_id)
        lines = await self._api.lines(batch, {attempt.request.digest for attempt in attempts})
        errors = await asyncio.gather(
            *(self._finish(attempt, lines.get(attempt.request.digest)) for attempt in attempts)
        )
        for attempt in attempts:
            if attempt.request.digest in self._session.results:
                del self.pending[attempt.request.digest]
        for error in errors:
            if error is not None and error.fatal:
                raise error

    async def _finish(
        self, attempt: Attempt, line: Mapping[str, Any] | None
    ) -> AttemptError | None:
        """Store one answer, or leave the request for the next batch, or let it fail for good."""
        session, request = self._session, attempt.request
        attempt.number += 1
        paid = None
        try:
            answer = answers.read(answer_body(self._connection.client.access, line), request)
            paid = session.price(request, answer.usage)
            session.finish(await session.keep(attempt, answer, paid))
        except AttemptError as error:
            paid = await session.charge(request, error)
            attempt.broken_answers += error.other_seed
            last = not error.retryable or attempt.number >= session.service.attempts
            if last and not error.fatal:
                session.finish(session.failure(attempt, error))
            return error
        finally:
            session.ledger.spent += paid or 0.0
        return None


def _parts(pending: Sequence[Attempt]) -> Iterator[list[Attempt]]:
    """Attempts of one endpoint and model, no more than a batch holds."""

    def destination(attempt: Attempt) -> tuple[str, str]:
        return attempt.request.path, attempt.request.model

    for _, group in groupby(sorted(pending, key=destination), key=destination):
        part: list[Attempt] = []
        size = 0
        for attempt in group:
            length = len(request_line(attempt))
            if part and (len(part) >= MAX_REQUESTS or size + length > MAX_BYTES):
                yield part
                part, size = [], 0
            part.append(attempt)
            size += length
        yield part


def _affordable(session: RequestSession, part: Sequence[Attempt]) -> tuple[list[Attempt], float]:
    """As many attempts as the budget has room for at their worst, and what that is in dollars."""
    budget, ledger = session.service.budget_usd, session.ledger
    affordable: list[Attempt] = []
    reserved = 0.0
    for attempt in part:
        amount = costs.worst_case(session.service, attempt.request)
        if budget is not None and ledger.spent + ledger.uncertain + reserved + amount > budget:
            break
        affordable.append(attempt)
        reserved += amount
    return affordable, reserved
