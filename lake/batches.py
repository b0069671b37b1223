"""Write many small objects into the embedded lake: a few calls for a thousand of them.

The files are written beside the lake and taken over together. Each call is all or nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from lake import files as local
from lake.errors import FullError, InvalidError

SIZE: Final = 1000
"""Objects in a call."""
_AT_ONCE: Final = 2

Ask = Callable[[str, Mapping[str, Any]], Any]
"""Sends a JSON body with a method to the branch's batches and returns the JSON answer."""


def write(ask: Ask, items: Mapping[str, bytes], content_type: str, home: Path) -> None:
    """Stage objects on the branch: one batch is written while another one is taken over.

    Args:
        ask: how the lake is asked.
        items: bytes by the path of their object.
        content_type: of all of them.
        home: directory of the lake, in which the files are written.

    Raises:
        FullError: there is no room.
        InvalidError: the lake names a file that is not in its directory.
    """
    names = list(items)
    parts = [names[start : start + SIZE] for start in range(0, len(names), SIZE)]

    def write_part(paths: list[str]) -> None:
        addresses = _addresses(ask("POST", {"paths": paths}), len(paths))
        files = [local.address(address, home) for address in addresses]
        _fill(files, (items[path] for path in paths))
        ask("PUT", {"paths": paths, "addresses": addresses, "content_type": content_type})

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        deque(pool.map(write_part, parts), maxlen=0)


def _addresses(answer: object, count: int) -> list[str]:
    """The addresses in an answer, one for each object."""
    found = answer.get("addresses") if isinstance(answer, dict) else None
    if isinstance(found, list) and len(found) == count:
        texts = [each for each in found if isinstance(each, str)]
        if len(texts) == count:
            return texts
    raise InvalidError(f"the lake does not say where {count:,} objects are to be written")


def _fill(files: list[Path], contents: Iterable[bytes]) -> None:
    try:
        for file, data in zip(files, contents, strict=True):
            file.write_bytes(data)
    except OSError as error:
        for file in files:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        raise FullError(f"the objects cannot be written into the lake: {error.strerror}") from error
