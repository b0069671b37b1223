"""Checksums that S3 clients send with a body: CRC-32, CRC-32C, CRC-64/NVME, SHA-1 and SHA-256.

The two CRCs that Python does not have come from AWS's own library, which is an extra (`s3`).
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from lake.server.s3.errors import not_implemented

PREFIX: Final = "x-amz-checksum-"


_OTHERS: Final = tuple(PREFIX + name for name in ("algorithm", "mode", "type"))
"""Headers that begin so and hold no checksum."""


def is_checksum(header: str) -> bool:
    """Whether a header holds a checksum."""
    return header.startswith(PREFIX) and header not in _OTHERS


class Checksum(Protocol):
    """A checksum of the bytes so far."""

    def update(self, data: bytes) -> None:
        """Add bytes."""

    def digest(self) -> bytes:
        """The checksum, most significant byte first."""


class _Crc:
    """A cyclic redundancy check by a function that goes on from the value so far."""

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def named(name: str) -> Checksum:
    """The checksum of a header's name, such as `x-amz-checksum-crc32`.

    Raises:
        S3Error: it is not known here.
    """
    algorithm = name.removeprefix(PREFIX)
    if algorithm == "crc32":
        return _Crc(zlib.crc32, 4)
    if algorithm == "sha1":
        return hashlib.sha1(usedforsecurity=False)
    if algorithm == "sha256":
        return hashlib.sha256()
    if algorithm in ("crc32c", "crc64nvme"):
        return _of_aws(algorithm)
    raise not_implemented(f"the checksum {algorithm}")


def _of_aws(algorithm: str) -> Checksum:
    try:
        from awscrt import checksums  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise not_implemented(
            f"the checksum {algorithm} (without `pip install 'stemma[s3]'`)"
        ) from None
    if algorithm == "crc32c":
        return _Crc(checksums.crc32c, 4)
    return _Crc(checksums.crc64nvme, 8)


def encoded(checksum: Checksum) -> str:
    """A checksum as headers have it."""
    return base64.b64encode(checksum.digest()).decode()
