"""What all processes of a run take together, where no control group counts it.

Each process tells what it holds; what several share counts once. That is asked again and again, so
a run may take somewhat more before it is ended.

Linux, Documentation/filesystems/proc.rst: status, smaps_rollup.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
KIBI: Final = 1 << 10
OWN: Final = frozenset({"RssAnon", "RssShmem", "VmSwap"})
"""What a process holds that is no file on a disk: in memory, shared or not, and swapped out."""
OWN_PARTS: Final = frozenset({"Pss_Anon", "Pss_Shmem", "SwapPss"})
"""The same, where each process has its part of what several share."""


def exceeds(first: int, bound: int) -> bool:
    """Whether a process and all that descend from it take more than a bound in bytes."""
    pids = list(descendants(first))
    if sum(map(_resident, pids)) <= bound:
        return False
    return sum(map(_proportional, pids)) > bound  # slow, so only where it may be too much


def descendants(first: int) -> Iterator[int]:
    """Process ids of a process and of all that descend from it."""
    left = [first]
    while left:
        pid = left.pop()
        yield pid
        for place in _threads(pid):
            try:
                left.extend(map(int, (place / "children").read_text(encoding="ascii").split()))
            except OSError:  # it has ended meanwhile
                continue


def _threads(pid: int) -> list[Path]:
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def _resident(pid: int) -> int:
    """Bytes of a process's own memory; what it shares with others counts as its own."""
    return sum(_sizes(pid, "status", OWN))


def _proportional(pid: int) -> int:
    """Bytes of a process's own memory; of what n processes share, the n-th part."""
    return sum(_sizes(pid, "smaps_rollup", OWN_PARTS)) or _resident(pid)


def _sizes(pid: int, file: str, names: Collection[str]) -> Iterator[int]:
    """Sizes in bytes that a file of a process names; none if it has ended or may not be read."""
    try:
        lines = (PROC / str(pid) / file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        name, _, size = line.partition(":")
        if name in names:
            yield int(size.split()[0]) * KIBI
