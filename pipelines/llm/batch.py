"""The same questions through the Batch API: half the price, within a day.

Requests travel as a JSONL file, one batch for each endpoint and model. Before a batch is made, a
token for it is written into the cache and into the batch itself, so a killed run finds its batch
again and goes on waiting for it. What gave no answer goes into the next batch.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lake import documents
from pipelines.common.errors import ServiceError
from pipelines.llm import answers, costs
from pipelines.llm.answers import message
from pipelines.llm.connection import Door
from pipelines.llm.faults import Fault, refused
from pipelines.llm.retry import patience
from pipelines.llm.session import Run, Tried
from pipelines.llm.values import Request

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

MARK: Final = "stemma"
"""Name of our token in a batch's metadata."""
LINES: Final = 10_000
BYTES: Final = 50_000_000
"""At most so many requests, and bytes, in a batch; OpenAI takes 50,000 and 200 MB."""
LOOK_BACK: Final = 1_000
"""Batches of the service that are searched for a lost one."""
_ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_OK: Final = 200
_UNKNOWN: Final = 404

Value = TypeVar("Value")


async def run(work: Run, door: Door, missing: Sequence[Request]) -> None:
    """Answer what is missing, batch after batch; what stops the run is left in it.

    Raises:
        ServiceError: the service cannot be used, or refuses a batch.
    """
    left = {request.digest: Tried(request) for request in missing}
    try:
        await _adopt(work, door, left)
        while left and work.stopped is None:
            for part in _parts(list(left.values())):
                if work.stopped is None:
                    await _batch(work, door, part, left)
    except Fault as fault:
        raise ServiceError(fault.reason) from None


async def _adopt(work: Run, door: Door, left: dict[str, Tried]) -> None:
    """Wait for batches that an earlier run made for some of these requests."""
    for token, known, digests in work.cache.batches(door.base_url):
        ours = [left[digest] for digest in digests if digest in left]
        if not ours:
            continue
        batch = known or await _lost(work, door, token)
        if batch is None:  # it was never made
            work.cache.end_batch(token, ())
            continue
        await _collect(work, door, batch, ours, left)
        work.cache.end_batch(token, set(digests) - {tried.request.digest for tried in ours})


async def _lost(work: Run, door: Door, token: str) -> str | None:
    """The id of the batch that carries our token."""

    async def search(client: openai.AsyncOpenAI) -> str | None:
        seen = 0
        async for batch in client.batches.list(limit=100):
            if (batch.metadata or {}).get(MARK) == token:
                return batch.id
            seen += 1
            if seen >= LOOK_BACK:
                break
        return None

    return await _managed(work, door, search)


def _parts(left: Sequence[Tried]) -> Iterator[list[Tried]]:
    """Requests of one endpoint and model, no more than a batch holds."""

    def place(tried: Tried) -> tuple[str, str]:
        return tried.request.path, tried.request.model

    for _, group in groupby(sorted(left, key=place), key=place):
        part: list[Tried] = []
        size = 0
        for tried in group:
            length = len(_line(tried))
            if part and (len(part) >= LINES or size + length > BYTES):
                yield part
                part, size = [], 0
            part.append(tried)
            size += length
        yield part


def _line(tried: Tried) -> bytes:
    request = tried.request
    content = {
        "custom_id": request.digest,
        "method": "POST",
        "url": f"/v1{request.path}",
        "body": tried.body,
    }
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


async def _batch(work: Run, door: Door, part: list[Tried], left: dict[str, Tried]) -> None:
    """Make one batch of as many requests as the budget has room for, and wait for it."""
    chosen, reserved = _affordable(work, part)
    if not chosen:
        work.stop(work.ledger.over(work.service.budget_usd or 0.0))
        return
    await work.ledger.reserve(reserved, work.service.budget_usd)
    token = secrets.token_hex(16)
    work.cache.begin_batch(token, door.base_url, [tried.request.digest for tried in chosen])
    try:
        batch = await _made(work, door, token, chosen)
        work.cache.name_batch(token, batch)
        await _collect(work, door, batch, chosen, left)
        work.cache.end_batch(token, ())
    finally:
        await work.ledger.settle(reserved, None)


def _affordable(work: Run, part: Sequence[Tried]) -> tuple[list[Tried], float]:
    """As many requests as fit in the budget at their worst, and what that is."""
    budget, ledger = work.service.budget_usd, work.ledger
    chosen: list[Tried] = []
    reserved = 0.0
    for tried in part:
        amount = costs.worst_case(work.service, tried.request)
        if budget is not None and ledger.spent + ledger.uncertain + reserved + amount > budget:
            break
        chosen.append(tried)
        reserved += amount
    return chosen, reserved


async def _made(work: Run, door: Door, token: str, chosen: Sequence[Tried]) -> str:
    """Upload the requests and make the batch."""
    data = b"".join(_line(tried) for tried in chosen)
    endpoint: Any = f"/v1{chosen[0].request.path}"
    uploaded = await _managed(
        work,
        door,
        lambda client: client.files.create(file=(f"{token}.jsonl", data), purpose="batch"),
    )
    made = await _managed(
        work,
        door,
        lambda client: client.batches.create(
            input_file_id=uploaded.id,
            endpoint=endpoint,
            completion_window="24h",
            metadata={MARK: token},
        ),
    )
    return made.id


async def _collect(
    work: Run, door: Door, batch: str, asked: Sequence[Tried], left: dict[str, Tried]
) -> None:
    """Wait until a batch has ended and keep what it answered.

    Raises:
        Fault: the service refused the whole batch, or says that nothing will succeed.
    """
    found = await _ended(work, door, batch)
    lines: dict[str, Mapping[str, Any]] = {}
    wanted = {tried.request.digest for tried in asked}
    for file in (found.output_file_id, found.error_file_id):
        if file is not None:
            lines.update(await _lines(work, door, file, wanted))
    fatal = None
    for tried in asked:
        fault = await _keep(work, door, tried, lines.get(tried.request.digest))
        fatal = fault if fault is not None and fault.fatal else fatal
        if tried.request.digest in work.results:
            del left[tried.request.digest]
    if fatal is not None:
        raise fatal


async def _ended(work: Run, door: Door, batch: str) -> Batch:
    """Wait until a batch has ended; one that is refused or unknown is forgotten.

    Raises:
        Fault: it was refused, or there is none.
    """

    async def look(client: openai.AsyncOpenAI) -> Batch:
        return await client.batches.retrieve(batch)

    try:
        found = await _managed(work, door, look)
    except Fault as fault:
        if fault.code == _UNKNOWN:
            work.cache.forget_batch(batch)
        raise
    while found.status not in _ENDED:
        await asyncio.sleep(work.service.batch_poll_s)
        found = await _managed(work, door, look)
    if found.status == "failed":
        work.cache.forget_batch(batch)
        words = message(_first_error(door, found)) or "no reason given"
        raise Fault(f"{door.base_url} refused batch {batch}: {words}", fatal=True)
    return found


async def _lines(
    work: Run, door: Door, file: str, wanted: Collection[str]
) -> dict[str, Mapping[str, Any]]:
    """Lines of an output or error file that answer what was asked, by digest."""

    async def download(client: openai.AsyncOpenAI) -> bytes:
        return door.client.scrubbed((await client.files.content(file)).content)

    return by_digest(await _managed(work, door, download), wanted, door.base_url, file)


def by_digest(
    data: bytes, wanted: Collection[str], where: str, file: str
) -> dict[str, Mapping[str, Any]]:
    """Read the lines of an output or error file that answer what was asked, by digest.

    Args:
        data: the file's content.
        wanted: digests of what was asked.
        where: the service's address.
        file: its name of the file.

    Raises:
        Fault: a line is no JSON object that names a request.
    """
    try:
        lines = (line for line in data.splitlines() if line.strip())
        found = (documents.parse_json(line, strict=False) for line in lines)
        return {line["custom_id"]: line for line in found if line["custom_id"] in wanted}
    except (ValueError, KeyError, TypeError):
        raise Fault(f"{where} gave a batch's file ({file}) that cannot be read") from None


async def _keep(
    work: Run, door: Door, tried: Tried, line: Mapping[str, Any] | None
) -> Fault | None:
    """Keep one answer, or leave the request for the next batch, or let it fail for good."""
    tried.attempts += 1
    paid = None
    try:
        answer = answers.read(_body(door.base_url, line), tried.request)
        paid = work.price(tried.request, answer.tokens_in, answer.tokens_out)
        work.finish(work.keep(tried, answer, paid))
    except Fault as fault:
        paid = work.charge(tried.request, fault)
        tried.other_seed += fault.other_seed
        if not fault.fatal and (not fault.again or tried.attempts >= work.service.attempts):
            work.finish(work.failure(tried, fault))
        return fault
    finally:
        work.ledger.spent += paid or 0.0
    return None


def _body(where: str, line: Mapping[str, Any] | None) -> bytes:
    """The answer's body in a line.

    Raises:
        Fault: there is none.
    """
    if line is None:
        raise Fault("the batch ended without an answer")
    response = line.get("response")
    if not isinstance(response, Mapping):
        raise Fault(f"the batch gave no answer: {message(line.get('error')) or 'no reason given'}")
    code = response.get("status_code")
    code = code if isinstance(code, int) else 0
    if code != _OK:
        raise refused(where, code, message(response.get("body")))
    return json.dumps(response.get("body")).encode()


def _first_error(door: Door, batch: Batch) -> Any:  # noqa: ANN401  JSON
    data = batch.errors.data if batch.errors else None
    said = data[0].message or "" if data else ""
    return {"message": door.client.scrubbed(said.encode()).decode()}


async def _managed(
    work: Run, door: Door, call: Callable[[openai.AsyncOpenAI], Awaitable[Value]]
) -> Value:
    """Make a call about files or batches, as patiently as any other.

    Raises:
        Fault: it failed for good.
    """
    import stamina  # noqa: PLC0415  with what it needs, slow to import

    async for attempt in stamina.retry_context(**patience(work)):
        with attempt:
            return await door.client.managed(call)
    raise AssertionError("a retry ends with a value or an error")
