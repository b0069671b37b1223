"""Which stages run in a project at present, and how far each is: small files beside the caches.

Every stage writes `.stemma/running/<pid>.json` while it runs, and removes it at its end. A file of
a process that was killed stays behind, so readers ask the system whether the process that wrote it
still runs: by its number, and by when it was started, since numbers are used again. Nothing
depends on these files, and a stage that cannot write them runs all the same.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from lake import private
from pipelines.common import progress

FOLDER: Final = Path(".stemma") / "running"
EVERY: Final = 1.0
"""Least seconds between two writes of one stage."""
LARGEST: Final = 1 << 12
"""Bytes of such a file, at most."""
_STARTED: Final = 19
"""Index of the start time in /proc/PID/stat, behind the name in parentheses (proc(5))."""


@dataclass(frozen=True, slots=True)
class Activity:
    """A stage that runs."""

    pid: int
    process_start: int
    """When the process was started, in clock ticks after the machine."""
    stage: str
    key: str
    """A data set or a round of params.yaml; empty for the stage `lake`."""
    began: float
    """Unix seconds."""
    work: str = ""
    """What is counted, such as "scoring"; empty: nothing yet."""
    done: int = 0
    total: int = 0
    """0: it is not known."""


@contextmanager
def of_stage(stage: str, key: str | None, root: Path = Path()) -> Iterator[None]:
    """Say that a stage of this process runs while the `with` block lasts, and how far it is."""
    path = root.absolute() / FOLDER / f"{os.getpid()}.json"
    started = _started(os.getpid())
    if started is None or not (root / "params.yaml").is_file():
        yield
        return
    own = Activity(os.getpid(), started, stage, key or "", time.time())
    last = 0.0

    def tell(work: str, done: int, total: int) -> None:
        nonlocal last
        if done < total and time.monotonic() - last < EVERY:
            return
        last = time.monotonic()
        _write(path, {**asdict(own), "work": work, "done": done, "total": total})

    _write(path, asdict(own))
    try:
        with progress.watched(tell):
            yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def running(root: Path = Path()) -> list[Activity]:
    """The stages that run at present, in the order in which they began.

    Files of processes that have ended are removed.
    """
    found = []
    for path in sorted((root / FOLDER).glob("*.json")):
        activity = _read(path)
        if activity is not None and _started(activity.pid) == activity.process_start:
            found.append(activity)
        elif activity is not None:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return sorted(found, key=lambda activity: activity.began)


def _write(path: Path, content: dict[str, object]) -> None:
    """Write in one step, and not onto the disk at once: who reads it after a crash needs none."""
    draft = path.with_suffix(".draft")
    with suppress(OSError):
        private.folder(path.parent)
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(path)


def _read(path: Path) -> Activity | None:
    """Read a file; None where it is gone, or none of these."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(LARGEST))
        return Activity(
            pid=int(content["pid"]),
            process_start=int(content["process_start"]),
            stage=str(content["stage"]),
            key=str(content["key"]),
            began=float(content["began"]),
            work=str(content["work"]),
            done=int(content["done"]),
            total=int(content["total"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _started(pid: int) -> int | None:
    """When a process was started, in clock ticks after the machine; None: there is none."""
    try:
        text = Path(f"/proc/{int(pid)}/stat").read_text(encoding="ascii", errors="replace")
        return int(text.rpartition(")")[2].split()[_STARTED])
    except (OSError, ValueError, IndexError):
        return None
