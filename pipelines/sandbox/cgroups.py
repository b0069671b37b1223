"""One bound on the memory of a whole run, where this process may make control groups.

Resource limits count each process for itself, and neither files in memory nor the kernel's own
records of them. A control group counts all of it. Root has them almost everywhere; an ordinary user
has them in what systemd delegates. Where there are none, the other limits hold alone.

Control group v2: Linux, Documentation/admin-guide/cgroup-v2.rst; v1: cgroup-v1/memory.rst.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from lake import polling

MOUNTS: Final = Path("/proc/self/mountinfo")
OWN: Final = Path("/proc/self/cgroup")
NAME: Final = "stemma-sandbox"
GONE_SECONDS: Final = 2.0
"""Time in which an ended run must have left its group."""
GONE_INTERVAL: Final = 0.005
"""Seconds between two looks at it."""
_counter = itertools.count()


@dataclass(frozen=True, slots=True)
class Group:
    """A control group of one run."""

    path: Path
    limit: str
    """The file that takes the bound in bytes."""

    @property
    def processes(self) -> Path:
        """The file that takes a process into the group."""
        return self.path / "cgroup.procs"

    def out_of_memory(self) -> bool:
        """Whether the kernel ended a process of it for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                lines = (self.path / name).read_text(encoding="ascii").split("\n")
                counted = dict(line.split() for line in lines if len(line.split()) == 2)  # noqa: PLR2004  name and count
                return int(counted.get("oom_kill", "0")) > 0
        return False


@contextlib.contextmanager
def group(bound: int) -> Iterator[Group | None]:
    """A new group with a bound on its memory in bytes; None where none can be made."""
    made = _made(bound)
    try:
        yield made
    finally:
        if made is not None:
            _remove(made.path)


def _made(bound: int) -> Group | None:
    for parent, limit in _parents():
        _sweep(parent)
        place = parent / f"{NAME}-{os.getpid()}-{next(_counter)}"
        with contextlib.suppress(OSError):
            place.mkdir()
            try:
                (place / limit).write_text(str(bound), encoding="ascii")
                return Group(place, limit)
            except OSError:
                place.rmdir()
                raise
    return None


@cache
def _sweep(parent: Path) -> None:
    """Remove the groups of processes that were killed."""
    for place in parent.glob(f"{NAME}-*"):
        pid = place.name.removeprefix(f"{NAME}-").split("-")[0]
        if not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                place.rmdir()


def _parents() -> Iterator[tuple[Path, str]]:
    """Where a group may be made: our own and those above it, the nearest first."""
    own = _own()
    for root, version in _roots():
        path = own.get(version)
        if path is None:
            continue
        nearest = root / path.lstrip("/")
        limit = "memory.max" if version == "2" else "memory.limit_in_bytes"
        for place in (nearest, *nearest.parents):
            ours = place.is_relative_to(root) and os.access(place, os.W_OK)
            if ours and os.access(place / "cgroup.procs", os.W_OK):
                yield place, limit


def _roots() -> Iterator[tuple[Path, str]]:
    """Where the hierarchies that count memory are mounted, with their version."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        kind, options = after.split(" ")[0], after.split(" ")[-1].split(",")
        if kind == "cgroup2":
            yield Path(before.split(" ")[4]), "2"
        elif kind == "cgroup" and "memory" in options:
            yield Path(before.split(" ")[4]), "1"


def _own() -> dict[str, str]:
    """Path of our own group in the hierarchies that count memory, by version."""
    found = {}
    with contextlib.suppress(OSError):
        for line in OWN.read_text(encoding="utf-8", errors="replace").splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":
                found["2"] = path
            elif "memory" in controllers.split(","):
                found["1"] = path
    return found


def _remove(place: Path) -> None:
    """Remove a group as soon as its last process is gone."""
    with contextlib.suppress(OSError):
        polling.repeat(place.rmdir, on=OSError, interval=GONE_INTERVAL, timeout=GONE_SECONDS)
