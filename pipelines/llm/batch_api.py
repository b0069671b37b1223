"""Calls to the Files and Batch API of a service, each with the attempts of any other request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lake import documents
from pipelines.llm.answers import message
from pipelines.llm.attempt_error import AttemptError, refused
from pipelines.llm.connection import ServiceConnection
from pipelines.llm.retry import retry
from pipelines.llm.session import Attempt, RequestSession
from pipelines.llm.settings import Access

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

TOKEN_KEY: Final = "stemma"  # noqa: S105  no secret: the name of a field
"""Name of our token in a batch's metadata."""
SEARCHED: Final = 1_000
"""Batches of the service that are searched for a lost one."""
_ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_OK: Final = 200
_NOT_FOUND: Final = 404

Value = TypeVar("Value")


class BatchApi:
    """The batches of a service, for one session."""

    def __init__(self, session: RequestSession, connection: ServiceConnection) -> None:
        """Keep both; nothing is sent yet."""
        self._session = session
        self._connection = connection

    async def find(self, token: str) -> str | None:
        """Return the id of the batch that carries a token; None: there is none.

        Raises:
            AttemptError: The service does not answer.
        """

        async def search(client: openai.AsyncOpenAI) -> str | None:
            searched = 0
            async for batch in client.batches.list(limit=100):
                if (batch.metadata or {}).get(TOKEN_KEY) == token:
                    return batch.id
                searched += 1
                if searched >= SEARCHED:
                    break
            return None

        return await self._call(search)

    async def create(self, token: str, attempts: Sequence[Attempt]) -> str:
        """Upload requests of one endpoint, make a batch of them, and return its id.

        Raises:
            AttemptError: The service refuses.
        """
        data = b"".join(request_line(attempt) for attempt in attempts)
        endpoint: Any = f"/v1{attempts[0].request.path}"
        uploaded = await self._call(
            lambda client: client.files.create(file=(f"{token}.jsonl", data), purpose="batch")
        )
        batch = await self._call(
            lambda client: client.batches.create(
                input_file_id=uploaded.id,
                endpoint=endpoint,
                completion_window="24h",
                metadata={TOKEN_KEY: token},
            )
        )
        return batch.id

    async def wait(self, batch_id: str) -> Batch:
        """Wait until a batch has ended; one that is refused or unknown is forgotten.

        Raises:
            AttemptError: It was refused, or there is none.
        """

        async def retrieve(client: openai.AsyncOpenAI) -> Batch:
            return await client.batches.retrieve(batch_id)

        try:
            batch = await self._call(retrieve)
        except AttemptError as error:
            if error.status == _NOT_FOUND:
                self._session.cache.forget_batch(batch_id)
            raise
        while batch.status not in _ENDED:
            await asyncio.sleep(self._session.service.batch_poll_s)
            batch = await self._call(retrieve)
        if batch.status == "failed":
            self._session.cache.forget_batch(batch_id)
            reason = self._first_error(batch) or "no reason given"
            raise AttemptError(
                f"{self._connection.base_url} refused batch {batch_id}: {reason}", fatal=True
            )
        return batch

    async def lines(self, batch: Batch, digests: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """Download the lines of an ended batch that answer some requests, by their digests.

        Raises:
            AttemptError: A file cannot be had or cannot be read.
        """
        lines: dict[str, Mapping[str, Any]] = {}
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id is not None:
                data = await self._download(file_id)
                lines |= by_digest(data, digests, self._connection.base_url, file_id)
        return lines

    async def _download(self, file_id: str) -> bytes:
        async def content(client: openai.AsyncOpenAI) -> bytes:
            data = (await client.files.content(file_id)).content
            return self._connection.client.scrubbed(data)

        return await self._call(content)

    def _first_error(self, batch: Batch) -> str:
        """The service's own words about a batch that it refused, without the key."""
        errors = batch.errors.data if batch.errors else None
        text = errors[0].message or "" if errors else ""
        return message({"message": self._connection.client.scrubbed(text.encode()).decode()})

    async def _call(self, call: Callable[[openai.AsyncOpenAI], Awaitable[Value]]) -> Value:
        """Make a call about files or batches, in as many attempts as the settings allow.

        Raises:
            AttemptError: It failed for good.
        """
        async for retrying in retry(self._session):
            with retrying:
                return await self._connection.client.managed(call)
        raise AssertionError("retrying ends with a value or an error")


def request_line(attempt: Attempt) -> bytes:
    """Return an attempt as a line of a batch's input file."""
    request = attempt.request
    content = {
        "custom_id": request.digest,
        "method": "POST",
        "url": f"/v1{request.path}",
        "body": attempt.body,
    }
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def by_digest(
    data: bytes, digests: Collection[str], base_url: str, file_id: str
) -> dict[str, Mapping[str, Any]]:
    """Return the lines of an output or error file that answer some requests, by their digests.

    Args:
        data: The file's content.
        digests: Digests of the requests.
        base_url: The service's address.
        file_id: The service's id of the file.

    Raises:
        AttemptError: A line is no JSON object that names a request.
    """
    try:
        texts = (line for line in data.splitlines() if line.strip())
        lines = (documents.parse_json(text, strict=False) for text in texts)
        return {line["custom_id"]: line for line in lines if line["custom_id"] in digests}
    except (ValueError, KeyError, TypeError):
        raise AttemptError(
            f"{base_url} gave a batch's file ({file_id}) that cannot be read"
        ) from None


def answer_body(access: Access, line: Mapping[str, Any] | None) -> bytes:
    """Return the body of the answer in a line of an output file.

    Raises:
        AttemptError: There is none.
    """
    if line is None:
        raise AttemptError("the batch ended without an answer")
    response = line.get("response")
    if not isinstance(response, Mapping):
        reason = message(line.get("error")) or "no reason given"
        raise AttemptError(f"the batch gave no answer: {reason}")
    status = response.get("status_code")
    status = status if isinstance(status, int) else 0
    if status != _OK:
        raise refused(access, status, message(response.get("body")))
    return json.dumps(response.get("body")).encode()
