"""The way to a service: the one that is named, or the local server, started when needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from pipelines.llm.client import Client
from pipelines.llm.faults import Fault
from pipelines.llm.launch import serve_on_demand, serves
from pipelines.llm.settings import Service, access


class Door:
    """A client of the service that the settings mean, open while it is used."""

    def __init__(self, service: Service) -> None:
        """Keep the settings; nothing is opened yet."""
        self._service = service
        self._local = access(service) is None
        self._opening = asyncio.Lock()
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        """Open it, starting the local server if that is meant."""
        await self._open(None)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.client.close()

    @property
    def client(self) -> Client:
        """The open client."""
        if self._client is None:
            raise AssertionError("the door is closed")
        return self._client

    async def send(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post a request; where the local server has ended meanwhile, start it again.

        Its key is sent to the process that was found, and to nobody who listens there after it.

        Raises:
            Fault: there is no answer.
        """
        if self._local and not serves(self.client.access):
            await self._open(self.client)
        used = self.client
        try:
            return await used.send(path, body)
        except Fault as fault:
            if self._local and fault.unreachable:
                await self._open(used)
            raise

    @property
    def base_url(self) -> str:
        """Address of the service."""
        return self.client.access.base_url

    async def _open(self, stale: Client | None) -> None:
        """Make a client, unless somebody else has replaced the stale one already."""
        async with self._opening:
            if self._client is not stale:
                return
            found = access(self._service)
            if found is None:
                found = await asyncio.to_thread(serve_on_demand)
            self._client = Client(found, self._service, direct=self._local)
            if stale is not None:
                await stale.close()
