"""Looking around in a lake as in folders, and reading an object piece by piece."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from lake.client import records
from lake.client.connection import Connection, open_connection
from lake.client.records import ListedRecord, RepositoryRecord
from lake.errors import CorruptError
from lake.launch import serve_on_demand
from lake.settings import Embedded, Remote

PIECE: Final = 8 << 20
"""Bytes of an object that are asked for at once."""
_MD5_DIGITS: Final = 32


def connection(where: Remote | Embedded) -> Connection:
    """A connection to a lake, whose embedded server is started if needed.

    Raises:
        UnreachableError: the embedded server did not start.
        FullError: the embedded lake's directory cannot be written.
    """
    if isinstance(where, Embedded):
        return open_connection(serve_on_demand(where.home), where.home.absolute())
    return open_connection(where, None)


def repositories(lake: Connection) -> list[RepositoryRecord]:
    """The repositories that the caller's key may use, by name."""
    return list(lake.pages(lake.sdk.repositories_api.list_repositories, records.Repositories))


def level(lake: Connection, repository: str, ref: str, prefix: str) -> Iterator[ListedRecord]:
    """Objects and folders right under a prefix, in order."""
    method = lake.sdk.objects_api.list_objects
    return lake.pages(method, records.Listed, repository, ref, prefix=prefix, delimiter="/")


def pieces(lake: Connection, repository: str, ref: str, path: str) -> Iterator[bytes]:
    """The bytes of an object, piece by piece; at the end they are held against its checksum.

    Raises:
        NotFoundError: there is no such object.
        CorruptError: it was replaced while it was read, or is damaged.
    """
    api, action = lake.sdk.objects_api, f"read {path} at {ref}"
    stat: Any = lake.call(api.stat_object, repository, ref, path, action=action)
    md5, size = hashlib.md5(usedforsecurity=False), int(stat.size_bytes or 0)
    for start in range(0, size, PIECE):
        part = f"bytes={start}-{min(start + PIECE, size) - 1}"
        data = bytes(lake.call(api.get_object, repository, ref, path, action=action, range=part))
        md5.update(data)
        yield data
    checksum = str(stat.checksum)
    if len(checksum) == _MD5_DIGITS and md5.hexdigest() != checksum:
        raise CorruptError(f"{path} at {ref} was replaced while it was read: read it again")
