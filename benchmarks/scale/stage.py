"""One stage in a process of its own, which says at its end what the stage took."""

from __future__ import annotations

import re
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from benchmarks.measured import measured
from benchmarks.scale import model_time
from benchmarks.scale.model_time import cpu_of
from lake.home import LakeHome
from pipelines.stages import runner

STATUS: Final = "/proc/{}/status"


def run(name: str, key: str | None) -> dict[str, Any]:
    """Run a stage of the project in the current directory.

    Returns:
        Wall-clock seconds; processor seconds of this process, of those that it waited for and of
        the lake's server, and how many of them a model took, or a service beside them; the
        greatest resident memory of this process, of such a process, and of the lake's server since
        it started, in bytes; and the server's process.
    """
    before = _server()
    spent = cpu_of(before)
    with model_time.watched() as model, measured() as taken:
        runner.start(name, key)
    server = _server()  # one that nobody asks for long ends, and another takes its place
    of_server = cpu_of(server) - (spent if server == before else 0.0)
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(taken.seconds, 2),
        "cpu": round(taken.cpu + of_server, 2),
        "server_cpu": round(of_server, 2),
        "waited_cpu": round(waited.ru_utime + waited.ru_stime, 2),
        "model_cpu": round(model.cpu, 2),
        "peak": peak("self"),
        "child_peak": waited.ru_maxrss * 1024,
        "server": server,
        "server_peak": peak(server) if server else 0,
    }


def _server() -> int | None:
    """The process of the embedded lake's server; None: there is none."""
    found = LakeHome(Path(".lake")).serving()
    return found.pid if found else None


def peak(process: int | str) -> int:
    """Greatest resident memory of a process in bytes; `ru_maxrss` would count what started it."""
    with suppress(OSError):
        status = Path(STATUS.format(process)).read_text(encoding="ascii")
        found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0
