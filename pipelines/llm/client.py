"""A client of a service: the openai client as it is configured, and posts beside it.

The openai client makes the headers of each request and the calls about files and batches; requests
for answers go through `transport`, which costs a seventh. Its own retries are off: they would hide
attempts from the count, the budget and the cache. Its errors hold the request with its key, so they
are never kept as a cause; and the key is removed from whatever a service answers before anybody
reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pipelines.llm import bounds, translation
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.settings import Access, Service
from pipelines.llm.transport import Transport

if TYPE_CHECKING:
    import openai

Value = TypeVar("Value")
Learn = Callable[[Mapping[str, str]], None]
QUOTED: Final = 80
"""Characters of an answer that is no JSON in a reason."""
EVENTS: Final = "text/event-stream"


class Client:
    """An open connection pool to a service."""

    def __init__(
        self, access: Access, service: Service, *, direct: bool = False, learn: Learn | None = None
    ) -> None:
        """Open the pool inside a running event loop.

        Args:
            access: Address and key.
            service: Gives the time that an attempt may take.
            direct: Whether to go past the environment's proxies, to this machine.
            learn: Is given the headers of every answer to a post.
        """
        import openai  # noqa: PLC0415  slow to import

        self.access = access
        self._timeout = service.timeout_s
        self._learn = learn
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
        self._transport = Transport(access.base_url, self._headers(), direct=direct)

    def _headers(self) -> dict[str, str]:
        """The headers that the openai client sends, as far as they are set."""
        named = {**self._openai.default_headers, **self._openai.auth_headers, **bounds.ACCEPTED}
        return {name: value for name, value in named.items() if isinstance(value, str)}

    async def send(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post a request and return the body of a 200.

        Raises:
            AttemptError: There is none.
        """
        try:
            async with asyncio.timeout(self._timeout):
                received = await self._transport.post(path, body)
        except Exception as error:  # noqa: BLE001  translated in one table
            translation.translate(error, self.access, self._timeout)
        if self._learn is not None:
            self._learn(received.headers)
        if received.status not in range(200, 300):
            raise translation.refusal(received, self.access)
        data = self.access.scrubbed(received.data)
        kind = self.access.without_key(received.headers.get("content-type", ""))
        kind = kind.partition(";")[0].strip().lower()
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
            translation.translate(error, self.access, self._timeout)

    async def close(self) -> None:
        """Close the pool."""
        await self._transport.close()
        await self._openai.close()

    def scrubbed(self, data: bytes) -> bytes:
        """Return bytes of the service with the key removed."""
        return self.access.scrubbed(data)
