"""Ask the process that serves an embedded lake to collect garbage; it is started if need be.

Only that process knows which objects are on their way in, so no other one removes any.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from lake import administration
from lake.errors import UnreachableError

PATH: Final = "/api/v1/_stemma/gc"
COUNTS: Final = ("objects", "object_bytes", "commits", "blocks", "block_bytes", "spared")


def collect(
    home: Path, *, keep: int, also: Collection[str] = (), dry_run: bool = False
) -> Mapping[str, int]:
    """Free what is not reachable; return how many items and bytes were freed, or would be.

    Args:
        home: the lake's directory.
        keep: seconds for which a commit stays that a branch or tag left.
        also: ids of further commits to keep.
        dry_run: only count.

    Raises:
        NotFoundError: there is no lake.
        LakeError: it cannot be served, or refuses.
    """
    remote = administration.serving(home)
    body = {"keep_seconds": keep, "also": sorted(also), "dry_run": dry_run}
    counts = administration.post(remote, PATH, body, "collect garbage")
    if not isinstance(counts, dict) or not all(type(counts.get(name)) is int for name in COUNTS):
        raise UnreachableError(f"what answers at {remote.endpoint} is no lake: it counts nothing")
    return counts
