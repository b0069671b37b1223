"""Objects of a data set at a commit: path and checksum, listed once.

What a commit holds never changes, so a listing of it is kept as long as the lake is in use. A
branch is listed each time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

from lake.client import Lake
from pipelines.rounds import purges

COMMIT: Final = re.compile(r"[0-9a-f]{64}")
KEPT: Final = 64
"""Number of listings that are kept for a lake."""

_listed: WeakKeyDictionary[Lake, dict[tuple[str, str], dict[str, str]]] = WeakKeyDictionary()


def pinned(lake: Lake, ref: str) -> str:
    """The commit that a branch points to; any other ref as it is.

    Whoever asks several things about a branch asks about one commit, and what is known of a commit
    is not asked for again.
    """
    return ref if COMMIT.fullmatch(ref) else lake.head(ref) or ref


def checksums(lake: Lake, ref: str, dataset: str) -> Mapping[str, str]:
    """Checksums of the objects of a data set at a ref, by path, in order of the paths.

    That of an object of which rows were purged is the one that it was written with, as a signed
    record says (`pipelines.rounds.purges`).
    """
    kept = _listed.setdefault(lake, {})
    key = ref, dataset
    if key in kept:
        return kept[key]
    original = purges.of_lake(lake).original
    found = {item.path: original(item.checksum) for item in lake.objects(ref, f"{dataset}/")}
    if COMMIT.fullmatch(ref):
        while len(kept) >= KEPT:
            del kept[next(iter(kept))]
        kept[key] = found
    return found
