"""Pictures in a chat: the parts of a message's content, and their form where bytes do not belong.

A message has a text, or a list of parts, as the chat API has it: texts and pictures as data URLs.
Where a prompt is recorded or digested, a picture is named by its SHA-256: its bytes are a row of
the lake.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipelines.common.errors import DataError

MAGIC: Final[Mapping[bytes, str]] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
"""First bytes of the formats that every service reads."""
MOST: Final = 10 << 20
"""Bytes of a picture that is sent."""
NAMED: Final = "sha256:"

Message = Mapping[str, Any]


def with_picture(messages: Sequence[Message], data: bytes) -> list[dict[str, Any]]:
    """Add a picture to the last message.

    Args:
        messages: of texts, at least one.
        data: a PNG or JPEG.

    Raises:
        DataError: it is none, or too large to be sent.
    """
    kind = next((name for magic, name in MAGIC.items() if data.startswith(magic)), None)
    if kind is None or len(data) > MOST:
        what = f"has {len(data):,} bytes" if kind else "is neither PNG nor JPEG"
        raise DataError(f"a picture {what}; a service gets PNG or JPEG of {MOST:,} bytes at most")
    url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    *others, last = [dict(message) for message in messages]
    text = {"type": "text", "text": last["content"]}
    parts = [text, {"type": "image_url", "image_url": {"url": url}}]
    return [*others, {**last, "content": parts}]


def named(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages with the digest of each picture in place of its bytes."""
    return [{**message, "content": _named(message.get("content"))} for message in messages]


def texts(messages: Sequence[Message]) -> str:
    """Return all texts of messages, one after the other."""
    parts: list[str] = []
    for message in messages:
        content = message.get("content", "")
        listed = content if isinstance(content, list) else [{"text": content}]
        parts += [str(part["text"]) for part in listed if part.get("text")]
    return "".join(parts)


def pictures(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the URL of each picture."""
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if "image_url" in part:
                yield part["image_url"]["url"]


def _named(content: Any) -> Any:  # noqa: ANN401  a text, or parts
    if not isinstance(content, list):
        return content
    return [
        {**part, "image_url": {"url": _digest(part["image_url"]["url"])}}
        if "image_url" in part
        else part
        for part in content
    ]


def _digest(url: str) -> str:
    """Name a data URL by the digest of its bytes."""
    head, _, data = url.partition(",")
    if not head.startswith("data:"):
        return url
    return f"{NAMED}{hashlib.sha256(base64.b64decode(data)).hexdigest()}"
