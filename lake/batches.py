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

from lake import files
from lake.errors import FullError, InvalidError

SIZE: Final = 1000
"""Objects in a call."""
_CONCURRENT: Final = 2

RequestBatch = Callable[[str, Mapping[str, Any]], Any]
"""Sends a JSON body to the branch's batches with an HTTP method; returns the JSON response."""


def write(request: RequestBatch, items: Mapping[str, bytes], content_type: str, home: Path) -> None:
    """Stage objects on the branch: one batch is written while another one is taken over.

    Args:
        request: how a request of the lake is made.
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
        addresses = _addresses(request("POST", {"paths": paths}), len(paths))
        targets = [files.address_path(address, home) for address in addresses]
        _fill(targets, (items[path] for path in paths))
        request("PUT", {"paths": paths, "addresses": addresses, "content_type": content_type})

    with ThreadPoolExecutor(_CONCURRENT) as pool:
        deque(pool.map(write_part, parts), maxlen=0)


def _addresses(response: object, count: int) -> list[str]:
    """The addresses in a response, one for each object."""
    addresses = response.get("addresses") if isinstance(response, dict) else None
    if isinstance(addresses, list) and len(addresses) == count:
        texts = [address for address in addresses if isinstance(address, str)]
        if len(texts) == count:
            return texts
    raise InvalidError(f"the lake does not say where {count:,} objects are to be written")


def _fill(targets: list[Path], contents: Iterable[bytes]) -> None:
    try:
        for path, data in zip(targets, contents, strict=True):
            path.write_bytes(data)
    except OSError as error:
        for path in targets:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise FullError(f"the objects cannot be written into the lake: {error.strerror}") from error
