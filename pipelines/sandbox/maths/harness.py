"""What runs inside the sandbox: one process for each pair, all from the same state.

A short hostile answer can make simplifying it take for ever or fill the memory, and what is known
of symbols and limits is kept from one comparison to the next. So each pair is compared in a process
that is forked from one which has compared nothing but the pairs of `WARM_UP`, and the time, the
memory and the end of that process are its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Mapping
from typing import Any, Final

SECONDS: Final = 30.0
"""By the clock, for each pair."""
MEMORY: Final = 768 << 20
"""Address space of a pair's process, in bytes."""
LINE: Final = select.PIPE_BUF
"""Bytes of a report on a pair: a pipe takes them at once."""
SAYS: Final = 200
"""Characters of a reason."""
SEED: Final = "PYTHONHASHSEED"
WARM_UP: Final = (
    (r"\frac{\sqrt{6}+\sqrt{2}}{4}", r"\cos 15^\circ"),
    ("x^2-1", "(x-1)(x+1)"),
    (r"(-\infty,-1)\cup(1,\infty)", "x<-1 or x>1"),
    (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{bmatrix}1.0&2\end{bmatrix}"),
    ("y=2x+1", "2y=4x+2"),
)
"""Pairs that load what most comparisons need, so that each process need not."""
ENDS: Final = {
    signal.SIGPROF: "took too long to compare",
    signal.SIGXCPU: "took too long to compare",
    signal.SIGKILL: "took too long to compare",
}


def main(request: Mapping[str, Any]) -> None:
    """Compare pairs in order.

    Args:
        request: `pairs` of true and given answers, `cpu_seconds` for each. The arguments of the
            command are a file descriptor for a line of JSON on each pair, and a folder that has
            SymPy.
    """
    _fix_order()
    report, packages = int(sys.argv[1]), sys.argv[2]
    sys.path.append(packages)
    from pipelines.sandbox.maths import verdicts  # noqa: PLC0415  needs the folder of packages

    for truth, answer in WARM_UP:
        verdicts.compare(truth, answer)
    gc.freeze()
    os.write(report, b'{"ready": true}\n')
    for number, (truth, answer) in enumerate(request["pairs"]):
        found = _apart(truth, answer, request["cpu_seconds"])
        os.write(report, json.dumps({"pair": number, **found}).encode() + b"\n")


def _fix_order() -> None:
    """Start again with hashes that are the same in every run, as sets are ordered by them."""
    if os.environ.get(SEED) != "0":
        os.lseek(sys.stdin.fileno(), 0, os.SEEK_SET)
        os.execve(sys.executable, sys.orig_argv, {**os.environ, SEED: "0"})  # noqa: S606  itself


def _apart(truth: str, answer: str, cpu_seconds: float) -> dict[str, Any]:
    """Compare a pair in a process of its own: {"correct": whether; None: unknown, "says": why}."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _limit(cpu_seconds)
            os.write(writing, json.dumps(_compare(truth, answer)).encode())
        finally:  # whatever happens, this process does not go on as the other one
            os._exit(0)
    os.close(writing)
    try:
        ended = bool(select.select([reading], [], [], SECONDS)[0])
        said = os.read(reading, LINE) if ended else b""
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return json.loads(said) if said else {"correct": None, "says": _end(status)}


def _limit(cpu_seconds: float) -> None:
    """Bound this process; the timer ends it also within a single long computation."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    whole = int(cpu_seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))


def _compare(truth: str, answer: str) -> dict[str, Any]:
    from pipelines.sandbox.maths import verdicts  # noqa: PLC0415  loaded before

    try:
        found = verdicts.compare(truth, answer)
    except RecursionError:
        return {"correct": None, "says": "is nested too deeply to compare"}
    except MemoryError:
        return {"correct": None, "says": "needs too much memory to compare"}
    except Exception as error:  # noqa: BLE001  whatever hostile text raises in SymPy
        return {"correct": None, "says": f"could not be compared: {type(error).__name__}"[:SAYS]}
    return {"correct": found.correct, "says": found.says[:SAYS]}


def _end(status: int) -> str:
    """Why a process has said nothing, by how it ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return ENDS.get(signal.Signals(number), f"comparing it was ended by signal {number}")
    return f"comparing it ended with exit code {os.WEXITSTATUS(status)}"
