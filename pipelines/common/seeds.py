"""One root seed, many independent ones: every random choice of the project derives from it.

A seed is a digest of the root and of what it is for (data set, round, stage, shard …). So no two
places share a stream by accident, the order of the work does not matter, and one shard can be made
again alone.
"""

from __future__ import annotations

import hashlib
from typing import Final

BITS: Final = 63
"""Seeds fit into a signed 64-bit column and into every library's seed."""


def derive_seed(root: int, *parts: str | int) -> int:
    """Derive a seed from the root seed and the names of what it is for.

    SHA-256 over a length-prefixed encoding with a type tag for each part, so that ("a", "bc") and
    ("ab", "c"), or 1 and "1", never meet.

    Args:
        root: the root seed, any integer.
        parts: data set, round, stage, shard … in a fixed order.

    Returns:
        A seed in [0, 2^63).
    """
    digest = hashlib.sha256()
    for part in (root, *parts):
        tag = b"s" if isinstance(part, str) else b"i"
        data = str(part).encode()
        digest.update(tag + len(data).to_bytes(8, "big") + data)
    return int.from_bytes(digest.digest()[:8], "big") >> (64 - BITS)
