"""Post JSON over kept connections: the hot path of every request that is not of the Batch API.

The openai client keeps the configuration (address, key, headers) and the calls about files and
batches. Its own way from a body to an answer costs 0.84 ms of processor time a request, aiohttp's
0.12 ms (docs/decisions/0025): so posts go through aiohttp, with the headers of the openai client,
the trusted certificates of its HTTP client, and the proxies of the environment.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pipelines.llm import bounds

if TYPE_CHECKING:
    import aiohttp

KEPT_SECONDS: Final = 5.0
"""Seconds for which an idle connection is kept; many servers close theirs then."""


class Received(NamedTuple):
    """What a service answered to a post, whatever its status."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    data: bytes
    """The body, decompressed."""


class Transport:
    """A pool of connections to one service."""

    def __init__(self, base_url: str, headers: Mapping[str, str], *, direct: bool) -> None:
        """Open the pool inside a running event loop.

        Args:
            base_url: Address of the service.
            headers: Of every request, with the key among them.
            direct: Whether to go past the environment's proxies.
        """
        import aiohttp  # noqa: PLC0415  slow to import
        import httpx2  # noqa: PLC0415  slow to import

        self._base_url = base_url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=httpx2.create_ssl_context() if base_url.startswith("https:") else True,
                keepalive_timeout=KEPT_SECONDS,
            ),
            headers=dict(headers),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # it would send passwords of ~/.netrc
            proxy=None if direct else environment_proxy(base_url),
        )

    async def post(self, path: str, body: Mapping[str, Any]) -> Received:
        """Post a JSON object and return what comes back.

        Raises:
            OversizedError: The answer passes its bound.
            aiohttp.ClientError: There is no whole answer.
        """
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        async with self._session.post(f"{self._base_url}{path}", data=data) as response:
            content = await _content(response)
            return Received(response.status, response.reason or "", response.headers, content)

    async def close(self) -> None:
        """Close the pool."""
        await self._session.close()


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """Read the body of a response within its bound."""
    reader = bounds.Reader(response.headers.get("content-encoding", ""), bounds.MAX_BYTES)
    async for data in response.content.iter_any():
        reader.feed(data)
    return reader.content


def environment_proxy(base_url: str) -> str | None:
    """Return the proxy that the environment names for an address; None: none."""
    address = urlsplit(base_url)
    if urllib.request.proxy_bypass(address.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(address.scheme) or proxies.get("all")
