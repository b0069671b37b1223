"""The texts in a message, wherever in it they stand."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any


def of(message: dict[str, Any]) -> Iterator[str]:
    """Texts of a message as JSON has them, without recursion; of files, what they hold."""
    files = message.get("files")
    for content in files.values() if isinstance(files, dict) else ():
        if isinstance(content, str):
            yield _decoded(content)
    left: list[Any] = [part for name, part in message.items() if name != "files"]
    while left:
        part = left.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, list):
            left.extend(part)
        elif isinstance(part, dict):
            left.extend(part.values())


def _decoded(content: str) -> str:
    """What a file holds; one that cannot be read is refused elsewhere."""
    try:
        return base64.b64decode(content).decode("utf-8", "replace")
    except ValueError:
        return ""
