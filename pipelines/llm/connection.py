"""The connection to a service: the one that is named, or the local server, started when needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.client import Client, Learn
from pipelines.llm.launch import serve_on_demand, serves
from pipelines.llm.settings import Service, access


class ServiceConnection:
    """A client of the service that the settings name, open while it is used."""

    def __init__(self, service: Service, learn: Learn | None = None) -> None:
        """Keep the settings, and who learns from headers; nothing is opened yet."""
        self._learn = learn
        self._service = service
        self._local = access(service) is None
        self._opening = asyncio.Lock()
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        """Open the connection, starting the local server if it is the service."""
        await self._open(None)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self.client.close()

    @property
    def client(self) -> Client:
        """The open client."""
        if self._client is None:
            raise AssertionError("the connection is not open")
        return self._client

    @property
    def base_url(self) -> str:
        """Address of the service."""
        return self.client.access.base_url

    async def send(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Post a request; where the local server has ended meanwhile, start it again.

        The local server's key is sent to the process that was found, and to nobody who listens
        there after it.

        Raises:
            AttemptError: There is no answer.
        """
        if self._local and not serves(self.client.access):
            await self._open(self.client)
        client = self.client
        try:
            return await client.send(path, body)
        except AttemptError as error:
            if self._local and error.unreachable:
                await self._open(client)
            raise

    async def _open(self, stale: Client | None) -> None:
        """Make a client, unless another task has replaced the stale one already."""
        async with self._opening:
            if self._client is not stale:
                return
            opened = access(self._service)
            if opened is None:
                opened = await asyncio.to_thread(serve_on_demand)
            self._client = Client(opened, self._service, direct=self._local, learn=self._learn)
            if stale is not None:
                await stale.close()
