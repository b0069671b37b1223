"""One attempt through the openai client; the only module that speaks to a service.

The client's own retries are off: they would hide attempts from the count, the budget and the
cache. Its errors hold the request with its key, so they are never kept as a cause; and the key is
removed from whatever a service answers before anybody reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from lake import documents
from pipelines.llm import bounds
from pipelines.llm.answers import message
from pipelines.llm.attempt_error import AttemptError, refused
from pipelines.llm.settings import Access, Service

if TYPE_CHECKING:
    import httpx2
    import openai

Value = TypeVar("Value")
QUOTED: Final = 80
"""Characters of an answer that is no JSON in a reason."""
EVENTS: Final = "text/event-stream"


class Client:
    """An open connection pool to a service."""

    def __init__(self, access: Access, service: Service, *, direct: bool = False) -> None:
        """Open the pool; `direct`: past the environment's proxies, to this machine."""
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
            AttemptError: There is none.
        """
        import httpx2  # noqa: PLC0415  slow to import

        try:
            async with asyncio.timeout(self._timeout):
                response = await self._openai.post(path, body=dict(body), cast_to=httpx2.Response)
                data = self.access.scrubbed(await response.aread())
        except Exception as error:  # noqa: BLE001  translated in one table
            self.translate(error)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        self._check_json(data, kind)
        return data

    def _check_json(self, data: bytes, kind: str) -> None:
        """Refuse an answer that plainly is something else than JSON.

        Raises:
            AttemptError: It is; the message says what.
        """
        first = data.lstrip()[:QUOTED].decode("utf-8", "replace")
        if first[:1] in ("{", "[") or (kind.endswith("json") and not first.startswith("<")):
            return
        remedy = "; it must not stream" if kind == EVENTS or first.startswith("data:") else ""
        said = " ".join(first.split())
        raise AttemptError(
            f"{self.access.base_url} answered 200 with {kind[:QUOTED] or 'no type'}, not JSON"
            f"{remedy}: {said!r}"
        )

    async def managed(self, call: Callable[[openai.AsyncOpenAI], Awaitable[Value]]) -> Value:
        """Make a call about files or batches, which is more than one request and one answer.

        Raises:
            AttemptError: It failed.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await call(self._openai)
        except Exception as error:  # noqa: BLE001  translated in one table
            self.translate(error)

    async def close(self) -> None:
        """Close the pool."""
        await self._openai.close()

    def scrubbed(self, data: bytes) -> bytes:
        """Return bytes of the service with the key removed."""
        return self.access.scrubbed(data)

    def translate(self, error: Exception) -> NoReturn:
        """Raise the error that an error of the client means, without the key.

        Raises:
            AttemptError: The service or the network failed.
        """
        import httpx2  # noqa: PLC0415  slow to import
        import openai  # noqa: PLC0415  slow to import

        base_url = self.access.base_url
        if isinstance(error, openai.APIStatusError):
            raise self._refused(error) from None
        if isinstance(error, (TimeoutError, openai.APITimeoutError)):
            reason = f"{base_url} did not answer within {self._timeout:g} s"
            raise AttemptError(reason, uncertain=True) from None
        for link in (error, error.__cause__):
            if isinstance(link, bounds.OversizedError):
                reason = f"{base_url} {link}"
                raise AttemptError(reason, retryable=False, uncertain=True) from None
        if isinstance(error, (openai.APIConnectionError, httpx2.TransportError)):
            cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
            if isinstance(cause, (httpx2.ConnectError, httpx2.UnsupportedProtocol)):
                reason = f"nothing answers at {base_url}: {cause}".rstrip(": ")
                raise AttemptError(reason, unreachable=True) from None
            raise AttemptError(f"{base_url} cut the connection", uncertain=True) from None
        if isinstance(error, openai.OpenAIError):
            reason = f"{base_url} gave an answer that cannot be read ({type(error).__name__})"
            raise AttemptError(reason) from None
        raise error

    def _refused(self, error: openai.APIStatusError) -> AttemptError:
        content = self.access.scrubbed(error.response.content)
        try:
            text = message(documents.parse_json(content, strict=False))
        except ValueError:
            text = ""
        text = text or error.response.reason_phrase
        seconds = retry_after(error.response.headers)
        code = error.code or error.type or ""
        return refused(self.access.base_url, error.status_code, text, seconds, str(code))


def retry_after(headers: Mapping[str, str] | httpx2.Headers) -> float | None:
    """Return the seconds that Retry-After asks to wait, given in seconds or as an HTTP date."""
    value = headers.get("retry-after-ms")
    scale = 1000.0 if value is not None else 1.0
    value = value if value is not None else headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value) / scale
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if 0 < seconds < float("inf") else None
