"""`stemma`, `dvc` and workers of pytest as forks of a process that has imported their libraries.

DVC starts `stemma` for each stage of each round, and most of what a small round costs is that the
same libraries are imported by nine programs. `start` begins one process that imports them, for all
workers of a test run (`programs_server.py`), and leaves programs of these names in a folder: each
hands its words, directory, environment and streams over, and ends as its fork ends
(`programs_client.py`). A fork is a process of its own, which can be killed; how the real program
starts is tested by `test_a_second_run_does_nothing` of `tests/flow/test_dvc.py`, by
`tests/stemma/test_packages.py`, and by whatever names `sys.executable`.

A worker of a whole test run would import what all tests need, as each other worker does: with
`--forked-workers` the process is started before them, and they are its forks (`fork_workers`).
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, Final

import pytest

from lake.polling import until
from tests.shared import WORKERS, made_once

ROOT: Final = Path(__file__).resolve().parents[1]
SERVER: Final = Path(__file__).with_name("programs_server.py")
CLIENT: Final = Path(__file__).with_name("programs_client.py")
SOCKET: Final = "socket"
SAID: Final = "said"
MADE: Final = "programs"
NAMES: Final = ("stemma", "dvc", "python")


def fork_workers(config: pytest.Config, specs: Iterable[Any]) -> None:
    """Have workers begin as forks: what they run as their Python is one of the programs.

    Args:
        config: of the process that starts the workers. It waits for what forks them when it ends,
            so that its processor time has theirs.
        specs: what pytest-xdist is about to start.
    """

    def make(folder: Path) -> None:
        words = _written(folder, os.getpid())
        with (folder / SAID).open("wb") as said:
            forking = subprocess.Popen([*words, "workers"], **_options(said))

        def end() -> None:
            forking.terminate()
            forking.wait()

        config.add_cleanup(end)
        _await(folder, lambda: forking.poll() is not None)

    folder = made_once(config._tmp_path_factory, MADE, make)
    for spec in specs:
        if spec.popen and not spec.python:
            spec.python = shlex.quote(str(folder / "python"))


def start(factory: pytest.TempPathFactory) -> Path:
    """The folder of programs, whose process ends with the test run; the first in need starts it.

    Args:
        factory: temporary folders of this worker.

    Returns:
        A folder for the front of `PATH`.
    """

    def make(folder: Path) -> None:
        # A worker may end before the others: the run lasts as long as the process that began it.
        words = _written(folder, os.getppid() if os.environ.get(WORKERS) else os.getpid())
        with (folder / SAID).open("wb") as said:
            # The shell leaves it alone: it outlives the worker that starts it.
            alone = ["/bin/sh", "-c", '"$@" &', "sh"]
            subprocess.run([*alone, *words], check=True, **_options(said))
        _await(folder)

    return made_once(factory, MADE, make)


def _written(folder: Path, owner: int) -> list[str]:
    """Write the programs; return what starts the process that forks for them."""
    folder.mkdir()
    for name in NAMES:
        words = [sys.executable, "-IS", str(CLIENT), str(folder), name]
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        program.chmod(0o700)
    return [sys.executable, "-P", str(SERVER), str(folder), str(owner)]


def _options(said: IO[bytes]) -> dict[str, Any]:
    """How that process is started: it prints into a file, out of reach of a terminal's signals."""
    return {
        "cwd": ROOT,
        "env": {**os.environ, "PYTHONPATH": str(ROOT)},
        "stdin": subprocess.DEVNULL,
        "stdout": said,
        "stderr": said,
        "start_new_session": True,
    }


def _await(folder: Path, has_ended: Callable[[], bool] = lambda: False) -> None:
    """Wait until that process serves.

    Raises:
        UsageError: It does not; the message is what it said.
    """
    socket = folder / SOCKET
    until(lambda: socket.exists() or has_ended(), interval=0.05, timeout=240)
    if not socket.exists():
        said = (folder / SAID).read_text(encoding="utf-8", errors="replace")
        raise pytest.UsageError(
            f"{SERVER.name} imports what tests need, and did not begin:\n{said}"
        )
