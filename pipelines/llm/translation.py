"""Errors of the two clients, and refusals of a service, as errors of an attempt, in one table.

An error of a client may hold the request with its key, so none of them is kept as a cause, and the
key is removed from what a service says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn

from lake import documents
from pipelines.llm import bounds
from pipelines.llm.answers import message
from pipelines.llm.attempt_error import AttemptError, refused
from pipelines.llm.settings import Access
from pipelines.llm.transport import Received

if TYPE_CHECKING:
    import httpx2


def translate(error: Exception, access: Access, timeout: float) -> NoReturn:
    """Raise what an error of a client means, without the key.

    Args:
        error: Of either client.
        access: Address and key of the service.
        timeout: Seconds that an attempt may take.

    Raises:
        AttemptError: The service or the network failed.
    """
    import openai  # noqa: PLC0415  slow to import

    if isinstance(error, TimeoutError | openai.APITimeoutError):
        reason = f"{access.base_url} did not answer within {timeout:g} s"
        raise AttemptError(reason, uncertain=True) from None
    found = _oversized(error, access) or _posted(error, access) or _managed(error, access)
    if found is None:
        raise error
    raise found from None


def refusal(received: Received, access: Access) -> AttemptError:
    """Return the error that a status other than 200 means."""
    content = access.scrubbed(received.data)
    try:
        body = documents.parse_json(content, strict=False)
    except ValueError:
        body = None
    text = message(body) or access.without_key(received.phrase)
    seconds = retry_after(received.headers)
    return refused(access, received.status, text, seconds, _code(body))


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


def _code(body: Any) -> str:  # noqa: ANN401  JSON
    """The service's own code of an error, or else its type."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return ""
    return str(error.get("code") or error.get("type") or "")


def _oversized(error: Exception, access: Access) -> AttemptError | None:
    """An answer that passes its bound; None: it is another error."""
    for link in (error, error.__cause__):
        if isinstance(link, bounds.OversizedError):
            reason = f"{access.base_url} {link}"
            return AttemptError(reason, retryable=False, uncertain=True)
    return None


def _posted(error: Exception, access: Access) -> AttemptError | None:
    """What an error of aiohttp means; None: it is none."""
    import aiohttp  # noqa: PLC0415  slow to import

    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        cause = getattr(error, "os_error", None)
        said = getattr(cause, "strerror", None) or cause or error
        reason = f"nothing answers at {access.base_url}: {said}".rstrip(": ")
        return AttemptError(reason, unreachable=True)
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
        return AttemptError(f"{access.base_url} cut the connection", uncertain=True)
    return _unreadable(error, access) if isinstance(error, aiohttp.ClientError) else None


def _managed(error: Exception, access: Access) -> AttemptError | None:
    """What an error of the openai client means; None: it is none."""
    import httpx2  # noqa: PLC0415  slow to import
    import openai  # noqa: PLC0415  slow to import

    if isinstance(error, openai.APIStatusError):
        answer = error.response
        return refusal(
            Received(answer.status_code, answer.reason_phrase, answer.headers, answer.content),
            access,
        )
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
        cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
        if isinstance(cause, httpx2.ConnectError | httpx2.UnsupportedProtocol):
            reason = f"nothing answers at {access.base_url}: {cause}".rstrip(": ")
            return AttemptError(reason, unreachable=True)
        return AttemptError(f"{access.base_url} cut the connection", uncertain=True)
    return _unreadable(error, access) if isinstance(error, openai.OpenAIError) else None


def _unreadable(error: Exception, access: Access) -> AttemptError:
    kind = type(error).__name__
    return AttemptError(f"{access.base_url} gave an answer that cannot be read ({kind})")
