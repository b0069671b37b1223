"""Bytes that parts of a project hold on the disk.

Nothing is read but names and sizes. A file with several names counts once, under the first of them,
and symbolic links are not followed; bytes are those that the disk holds for a file.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import settings
from lake.settings import Embedded

BLOCK: Final = 512
"""Bytes of a block, as the system counts them whatever the file system's own are."""
DVC_CACHE: Final = Path(".dvc/cache")
DVC_GC: Final = "dvc gc --workspace --all-commits --all-experiments"
"""The command that frees what no commit, branch, tag or experiment of this clone names."""
PLACES: Final = (
    ("models", Path("models"), "`stemma clean` frees those of rounds that nothing names"),
    ("pages", Path("reports"), "`dvc repro` writes them again"),
    ("answers of services", Path(".stemma/llm"), "without them, a round asks and pays again"),
    ("scores", Path(".stemma/scores"), "computed again where they are missing"),
    ("kept shards", Path(".stemma/shards"), "made again where a stage has not ended"),
    ("fetched data", Path(".stemma/sources"), "fetched again where it is missing"),
    ("lineage index", Path(".stemma/ancestry"), "built again where it is missing"),
    ("other caches", Path(".stemma"), ""),
    ("cache of DVC", DVC_CACHE, f"`{DVC_GC}` frees what nothing names"),
)
"""What it is, where it lies, and what is to be known before it is removed."""
OF_LAKE: Final = (
    ("lake: objects", "objects", "`stemma clean` frees what nothing refers to"),
    ("lake: on their way in", "staging", "removed after a day"),
    ("lake: catalogue and logs", "", ""),
)


@dataclass(frozen=True, slots=True)
class Held:
    """Part of a project: what it is, where it lies, how many files, their bytes on disk."""

    part: str
    place: Path
    files: int
    bytes: int
    note: str


def measure(root: Path) -> Iterator[Held]:
    """The parts of a project that are there; each file belongs to the first that holds it."""
    where = settings.resolve(root)
    places = [(part, root / place, note) for part, place, note in PLACES]
    if isinstance(where, Embedded):
        lake = [(part, where.home / below, note) for part, below, note in OF_LAKE]
        places = [*lake, *places]
    seen: set[tuple[int, int]] = set()
    for part, place, note in places:
        files = size = 0
        for status in statuses(place):
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                files, size = files + 1, size + status.st_blocks * BLOCK
        if files:
            shown = place.relative_to(root) if place.is_relative_to(root) else place
            yield Held(part, shown, files, size, note)


def freed_by(groups: Iterable[Iterable[Path]]) -> list[int]:
    """Bytes that the disk gets back when all groups of files and folders are removed, by group.

    A file that keeps a name outside of them frees nothing; one with several names inside counts
    once, in the first group that has it.
    """
    listed = [[status for path in group for status in statuses(path)] for group in groups]
    names = Counter((status.st_dev, status.st_ino) for group in listed for status in group)
    sizes = []
    for group in listed:
        size = 0
        for status in group:
            if names.pop((status.st_dev, status.st_ino), 0) >= status.st_nlink:
                size += status.st_blocks * BLOCK
        sizes.append(size)
    return sizes


def statuses(place: Path) -> Iterator[os.stat_result]:
    """A regular file, or those below a folder; what goes away meanwhile is left out."""
    for path in _paths(place):
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield status


def _paths(place: Path) -> Iterator[str]:
    yield str(place)
    for folder, _, names in os.walk(place):
        for name in names:
            yield os.path.join(folder, name)  # noqa: PTH118  a hot loop
