"""One attempt through the openai client; the only module that speaks to a service.

The client's own retries are off: they would hide attempts from the count, the budget and the
cache. Its errors hold the request with its key, so they are never kept as a cause; and whatever a
service says is freed of the key before anybody reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from lake import documents
from pipelines.llm import bounds
from pipelines.llm.answers import message
from pipelines.llm.faults import Fault, refused
from pipelines.llm.settings import Access, Service

if TYPE_CHECKING:
    import httpx2
    import openai

Value = TypeVar("Value")


class Client:
    """An open connection pool to a service."""

    def __init__(self, access: Access, service: Service, *, direct: bool = False) -> None:
        """Open it; `direct`: past the environment's proxies, to this machine."""
        import openai  # noqa: PLC0415  slow to import

        self.access = access
        self._timeout = service.timeout_s
        self._openai = openai.AsyncOpenAI(
            api_key=access.key,
            base_url=access.base_url,
            max_retries=0,
            timeout=service.timeout_s,
            http_client=openai.DefaultAsyncHttpxClient(
                trust_env=not direct,
                headers=bounds.ACCEPTED,
                event_hooks={"response": [bounds.bounded]},
            ),
        )

    async def send(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post a request and return the body of a 200.

        Raises:
            Fault: there is none.
        """
        import httpx2  # noqa: PLC0415  slow to import

        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._openai.post(path, body=dict(body), cast_to=httpx2.Response)
                return self.access.scrubbed(await answer.aread())
        except Exception as error:  # noqa: BLE001  sorted in one table
            self.translate(error)

    async def managed(self, call: Callable[[openai.AsyncOpenAI], Awaitable[Value]]) -> Value:
        """Make a call that is not one request and one answer: about files or batches.

        Raises:
            Fault: it failed.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await call(self._openai)
        except Exception as error:  # noqa: BLE001  sorted in one table
            self.translate(error)

    async def close(self) -> None:
        """Close the pool."""
        await self._openai.close()

    def scrubbed(self, data: bytes) -> bytes:
        """What the service said, without the key."""
        return self.access.scrubbed(data)

    def translate(self, error: Exception) -> NoReturn:
        """Raise what an error of the client means, without the key.

        Raises:
            Fault: for what a service or the network does.
        """
        import httpx2  # noqa: PLC0415  slow to import
        import openai  # noqa: PLC0415  slow to import

        where = self.access.base_url
        if isinstance(error, openai.APIStatusError):
            raise self._refused(error) from None
        if isinstance(error, (TimeoutError, openai.APITimeoutError)):
            said = f"{where} did not answer within {self._timeout:g} s"
            raise Fault(said, uncertain=True) from None
        for each in (error, error.__cause__):
            if isinstance(each, bounds.OversizedError):
                raise Fault(f"{where} {each}", again=False, uncertain=True) from None
        if isinstance(error, (openai.APIConnectionError, httpx2.TransportError)):
            cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
            if isinstance(cause, (httpx2.ConnectError, httpx2.UnsupportedProtocol)):
                said = f"nothing answers at {where}: {cause}".rstrip(": ")
                raise Fault(said, unreachable=True) from None
            raise Fault(f"{where} cut the connection", uncertain=True) from None
        if isinstance(error, openai.OpenAIError):
            said = f"{where} gave an answer that cannot be read ({type(error).__name__})"
            raise Fault(said) from None
        raise error

    def _refused(self, error: openai.APIStatusError) -> Fault:
        text = self.access.scrubbed(error.response.content)
        try:
            words = message(documents.parse_json(text, strict=False))
        except ValueError:
            words = ""
        words = words or error.response.reason_phrase
        wait = asked_to_wait(error.response.headers)
        return refused(self.access.base_url, error.status_code, words, wait)


def asked_to_wait(headers: Mapping[str, str] | httpx2.Headers) -> float | None:
    """Seconds that Retry-After asks to wait, given in seconds or as an HTTP date."""
    given = headers.get("retry-after-ms")
    scale = 1000.0 if given is not None else 1.0
    given = given if given is not None else headers.get("retry-after")
    if given is None:
        return None
    try:
        seconds = float(given) / scale
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if 0 < seconds < float("inf") else None
