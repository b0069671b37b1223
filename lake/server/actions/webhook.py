"""One call of a webhook: a POST under a deadline, to an address that is allowed, to nothing else.

Redirects are not followed, no proxy of the environment is used, nothing is unpacked, and of an
answer only its first bytes are read. Names are resolved here, in threads of their own, and what a
name must not lead to is refused before anybody connects (`addresses.check_resolved`).
"""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from lake.documents import one_line
from lake.server.actions import addresses, variables
from lake.server.actions.action_file import Webhook
from lake.server.actions.addresses import AllowedAddresses
from lake.visible import mark_unprintable

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MAX_ANSWER: Final = 16 << 10
"""Bytes of an answer's body that are read."""
MAX_OUTPUT: Final = 32 << 10
"""Characters of a record."""
_MAX_SHOWN: Final = 200
_RESOLVING: Final = ThreadPoolExecutor(8, thread_name_prefix="resolve")


class HookFailedError(Exception):
    """A hook could not be called, or did not agree; the message says why."""


@dataclass(slots=True)
class Transcript:
    """What was sent and what came back, for the record, without secrets."""

    lines: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def add(self, *lines: str) -> None:
        """Add lines."""
        self.lines += lines

    def text(self) -> str:
        """All of it, with marks for what does not print."""
        text = mark_unprintable(self._masked("\n".join(self.lines) + "\n"))
        return text if len(text) <= MAX_OUTPUT else f"{text[:MAX_OUTPUT]}\n(cut off)\n"

    def quoted(self, text: str) -> str:
        """A text of the receiver's as a message may have it: one line, shortened, no secret."""
        return one_line(self._masked(text))[:_MAX_SHOWN]

    def beginning(self, text: str) -> str:
        """The beginning of an answer that was cut off, which does not end within a secret."""
        longest = max(map(len, self.secrets), default=0)
        return self._masked(text)[: -longest * variables.MAX_WRITTEN or None]

    def _masked(self, text: str) -> str:
        """A text in which a sign stands for each secret."""
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            text = text.replace(secret, variables.HIDDEN)
            text = variables.written(secret).sub(variables.HIDDEN, text)
        return text


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls webhooks, with the addresses and the variables that the operator allowed."""

    allowed: AllowedAddresses
    environment: Mapping[str, str]

    async def call(self, webhook: Webhook, payload: Mapping[str, Any], log: Transcript) -> None:
        """Send a payload, and wait for the answer.

        Args:
            webhook: what is called, and how.
            payload: JSON object to send.
            log: takes down what is sent and answered.

        Raises:
            HookFailedError: it cannot be called, does not answer in time, or does not agree.
        """
        try:
            address = addresses.parse(webhook.url)
            self.allowed.check(address)
            url, headers = self._request(webhook, address, log)
        except ValueError as error:
            raise HookFailedError(f"webhook was not called: its URL or text {error}") from None
        await asyncio.to_thread(importlib.import_module, "aiohttp")  # slow, and not the hook's time
        body = json.dumps(payload).encode()
        log.add("Request Body:", body.decode(), "")
        began = monotonic()
        try:
            async with asyncio.timeout(webhook.seconds):
                await _post(url, address.host, headers, body, log)
        except TimeoutError:
            raise HookFailedError(
                f"webhook request failed: no answer within {webhook.timeout}"
            ) from None
        finally:
            log.add("", f"Request duration: {1000 * (monotonic() - began):.1f}ms")

    def _request(
        self, webhook: Webhook, address: addresses.Address, log: Transcript
    ) -> tuple[str, dict[str, str]]:
        """URL with its query, and headers, with their variables replaced.

        Raises:
            ValueError: a variable is not set, or makes a header that is none.
        """
        log.add("Request:", f"POST {address}", "Query Params:")
        query = parse_qsl(address.query, keep_blank_values=True)
        log.add(*(f"{name}: {value}" for name, value in query))
        for name, texts in webhook.query_params.items():
            for text in texts:
                query.append((name, self._expanded(name, text, log)))
        log.add("Headers:", "Content-Type: application/json")
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        for name, text in webhook.headers.items():
            headers[name] = self._expanded(name, text, log)
            if not headers[name].isprintable():
                raise ValueError(f"makes of {name} no header: it has control characters")
        return f"{address}{'?' if query else ''}{urlencode(query)}", headers

    def _expanded(self, name: str, text: str, log: Transcript) -> str:
        expanded = variables.expand(text, self.environment)
        log.secrets += expanded.secrets
        log.add(f"{name}: {expanded.shown}")
        return expanded.text


async def _post(
    url: str, host: str, headers: Mapping[str, str], body: bytes, log: Transcript
) -> None:
    import aiohttp  # noqa: PLC0415  slow to import

    try:
        async with (
            _session() as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            await _check(answer, log)
    except ValueError as error:  # of a name that leads astray, or a header that aiohttp refuses
        raise HookFailedError(f"webhook request failed: {log.quoted(str(error))}") from None
    except (aiohttp.ClientError, OSError) as error:
        reason = log.quoted(str(error)) or type(error).__name__
        raise HookFailedError(f"webhook request failed: {host}: {reason}") from None


def _session() -> ClientSession:
    """A session that resolves names here, and has no limit of time of its own."""
    import aiohttp  # noqa: PLC0415  slow to import
    from aiohttp.abc import AbstractResolver, ResolveResult  # noqa: PLC0415  slow to import

    class Resolver(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(_RESOLVING, _resolved, host, port, family)
            return [
                ResolveResult(
                    hostname=host,
                    host=ip,
                    port=port,
                    family=kind,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for ip, kind in found
            ]

        async def close(self) -> None:
            pass

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=Resolver(), use_dns_cache=False, limit=1),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent",),
    )


def _resolved(host: str, port: int, family: int) -> list[tuple[str, int]]:
    """IP addresses of a name, each with its family.

    Raises:
        OSError: it has none.
        ValueError: it leads to what is not called by a name.
    """
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    pairs = [(str(where[0]), int(kind)) for kind, _, _, _, where in found]
    for ip, _ in pairs:
        addresses.check_resolved(host, ip)
    return pairs


async def _check(answer: ClientResponse, log: Transcript) -> None:
    """Take an answer down, and refuse one that is not 2xx.

    Raises:
        HookFailedError: it is not.
    """
    content = bytearray()
    async for chunk in answer.content.iter_chunked(1 << 12):
        content += chunk[: MAX_ANSWER - len(content)]
        if len(content) >= MAX_ANSWER:
            break
    text = content.decode(errors="replace")
    if len(content) >= MAX_ANSWER:
        text = log.beginning(text)
    log.add("", "Response:", f"HTTP/1.1 {answer.status} {answer.reason or ''}".rstrip())
    log.add(*(f"{name}: {value}" for name, value in answer.headers.items()), "", text)
    if not 200 <= answer.status < 300:  # noqa: PLR2004  what HTTP calls successful
        said = log.quoted(text)
        raise HookFailedError(
            f"webhook request failed (status code: {answer.status}){f': {said}' if said else ''}"
        )
