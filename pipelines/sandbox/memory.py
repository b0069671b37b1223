"""What all processes of a run take together, where no control group counts it.

Each process tells what it holds; what several share counts once. That is asked again and again, so
a run may take somewhat more before it is ended.

Linux, Documentation/filesystems/proc.rst: statm, smaps_rollup.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
KIBI: Final = 1 << 10


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
    """Bytes of a process's own memory; what it shares with its parent counts as its own."""
    try:
        _, resident, of_files, *_ = (PROC / str(pid) / "statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(of_files)) * PAGE


def _proportional(pid: int) -> int:
    """Bytes of a process's own memory; of what n processes share, the n-th part."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # it has ended, or its memory may not be looked at
        return _resident(pid)
    sizes = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return int(sizes.get("Pss_Anon", "0")) * KIBI
