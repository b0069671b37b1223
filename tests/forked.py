"""Servers of tests begin as forks of a process that has imported their code already.

Most of what a lake's server costs a short test is the import of its code, and hundreds of tests
start one. `Popen` stands in for `subprocess.Popen` where a test's point is not how a program is
started: the same module runs with the same arguments, variables and directory as a process of its
own, which can be killed, and prints to the same file. What cannot be begun so, another module or a
process with limits, is started as ever.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import runpy
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import connection, context, forkserver, get_context, reduction
from pathlib import Path
from typing import Any, Final

DEVNULL: Final = subprocess.DEVNULL
PIPE: Final = subprocess.PIPE
ROOT: Final = Path(__file__).resolve().parents[1]
SERVER: Final = "lake.server"
PROGRAM: Final = Path(__file__).with_name("forked_server.py")
PRELOADED: Final = (
    f"{SERVER}.__main__",
    "anyio._backends._asyncio",
    "filelock",
    "uvicorn.lifespan.off",
    "uvicorn.loops.asyncio",
)
_LOCK: Final = threading.Lock()
"""Whoever starts a fork reads the exit codes of all that have ended; each can be read once."""


class Popen:
    """A lake's server that is a fork, with what tests and `lake.daemon` use of a process."""

    def __new__(cls, args: Sequence[str], **options: Any) -> Any:
        """Fork where that can be done, and start a program where it cannot."""
        if list(args[1:3]) != ["-m", SERVER] or options.get("preexec_fn") is not None:
            return subprocess.Popen(args, **options)
        return super().__new__(cls)

    def __init__(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stderr: Any,
        start_new_session: bool = False,
        **_: object,
    ) -> None:
        self.args = args
        self.stderr: io.BufferedReader | None = None
        with contextlib.ExitStack() as said:
            if stderr == PIPE:
                reads, writes = os.pipe()
                self.stderr = os.fdopen(reads, "rb")
                stderr = said.enter_context(os.fdopen(writes, "wb"))
            printed = reduction.DupFd(stderr.fileno())
            given = (SERVER, list(args[3:]), dict(env), str(cwd), printed)
            seen = {"GIVEN": given, "SESSION": start_new_session}
            words = (str(PROGRAM), seen, "forked")
            self._process = _forking().Process(target=runpy.run_path, args=words, daemon=True)
            with _LOCK:
                self._process.start()
        self.pid = int(self._process.pid or 0)

    @property
    def returncode(self) -> int | None:
        """The exit code, or the negative number of the signal that ended it; None while it runs."""
        with _LOCK:
            return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit code."""
        connection.wait([self._process.sentinel], timeout)
        code = self.returncode
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@functools.cache
def _forking() -> context.ForkServerContext:
    """The process that forks, started where the packages are found."""
    found = get_context("forkserver")
    found.set_forkserver_preload(["__main__", *PRELOADED])
    with contextlib.chdir(ROOT):
        forkserver.ensure_running()
    return found
