"""What forks for `programs.py`: FOLDER OWNER, the process with which it ends, and `workers`.

Everything happens in one thread, and of what has been imported nothing is used here but the command
line, which is built, so that a fork is as good as a program that has just come so far. With
`workers` it imports what all tests import, and a worker of pytest is a program, too.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import re
import selectors
import signal
import socket
import struct
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Never

PROGRAMS: Final = {
    "stemma": ("review.cli.app", "main"),
    "dvc": ("dvc.cli", "main"),
    "python": ("__main__", "command"),
}
"""Module and function of each program."""
IMPORT: Final = re.compile(
    r"^(?:import ([\w.]+)|from ([\w.]+) import (\([^)]*\)|[^\n#]*))", re.MULTILINE
)
NAME: Final = re.compile(r"(\w+)(?: as \w+)?\s*(?:[,)]|$)")
ACCOUNTED: Final = "TESTS_ACCOUNT_FOR_ROWS"
"""Environment variable, a file: a fork that publishes accounts for the rows of its round."""
STAGES: Final = ("ingest", "inputs", "fit", "generate", "verify", "curate", "evaluate", "publish")
PRELOADED: Final = (
    "review.cli.app",
    "review.commands.stage",
    "review.commands.status",
    *(f"pipelines.stages.{name}" for name in (*STAGES, "lake", "report")),
    "PIL.PngImagePlugin",
    "diffusers.models.unets.unet_2d",
    "diffusers.schedulers.scheduling_ddim",
    "dvc.cli.parser",
    "dvc.commands.repro",
    "dvc.repo.index",
    "dvc.repo.metrics.show",
    "dvc.repo.plots",
    "dvc.repo.reproduce",
    "dvc.repo.status",
    "dvc.stage.loader",
    "encodings.utf_8_sig",
    "expectations.gx",
    "lakefs",
    "pipelines.generators.diffusion.generator",
    "pipelines.project.readiness",
    "pipelines.rounds.receipt_checks",
    "pipelines.verification.judging",
    "pipelines.verification.verdicts.pages",
    "pyarrow.pandas_compat",
    "safetensors.torch",
    "scipy.optimize",
    "sklearn.discriminant_analysis",
    "sklearn.model_selection",
    "sklearn.svm",
    "stamina",
    "torch",
)
"""What a round through all stages imports."""


@dataclass(slots=True)
class Running:
    """A fork at work, and whoever waits for its end."""

    pid: int
    caller: socket.socket


class Server:
    """Forks a program for whoever connects, and tells how each ended."""

    def __init__(self, listener: socket.socket, owner: int) -> None:
        self._ready = selectors.DefaultSelector()
        self._listener = listener
        self._ready.register(listener, selectors.EVENT_READ, self._accept)
        self._ready.register(os.pidfd_open(owner), selectors.EVENT_READ, sys.exit)

    def serve(self) -> Never:
        """Serve until the owner is gone."""
        while True:
            for key, _ in self._ready.select():
                key.data()

    def _accept(self) -> None:
        caller, _ = self._listener.accept()
        _, streams, _, _ = socket.recv_fds(caller, 1, 3)
        asked = json.loads(caller.makefile("rb").readline())
        pid = os.fork()
        if not pid:
            self._ready.close()
            run(streams, **asked)
        for stream in streams:
            os.close(stream)
        running, ended = Running(pid, caller), os.pidfd_open(pid)
        self._ready.register(ended, selectors.EVENT_READ, partial(self._tell, running, ended))
        self._ready.register(caller, selectors.EVENT_READ, partial(self._end, running))

    def _tell(self, running: Running, ended: int) -> None:
        """Tell how a program ended."""
        _, status = os.waitpid(running.pid, 0)
        self._ready.unregister(ended)
        os.close(ended)
        with contextlib.suppress(KeyError):
            self._ready.unregister(running.caller)
        with contextlib.suppress(OSError), running.caller:
            running.caller.sendall(struct.pack("i", os.waitstatus_to_exitcode(status)))

    def _end(self, running: Running) -> None:
        """End a program that nobody waits for any more, and what it started with it."""
        self._ready.unregister(running.caller)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)


def run(streams: list[int], *, words: list[str], cwd: str, env: dict[str, str]) -> Never:
    """Be that program in this process, which nobody has used yet."""
    code: object = 1
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, max(streams) + 100)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = words
        program = _program(Path(words[0]).name)
        if env.get(ACCOUNTED) and words[1:3] == ["stage", "publish"]:
            _account()
        code = program()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  as the interpreter does
        traceback.print_exc()
    finally:
        # What a program leaves for its end is done; freeing all that was imported is not.
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _program(name: str) -> Callable[[], object]:
    module, function = PROGRAMS[name]
    found: Callable[[], object] = getattr(importlib.import_module(module), function)
    return found


def _account() -> None:
    """Account for the rows of the round that is published, as tests do in their own process."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from pipelines.stages import runner  # noqa: PLC0415  a fork alone uses it
    from tests.flow import accounts  # noqa: PLC0415

    runner.start = accounts.accounting(runner.start)  # type: ignore[assignment]


def command() -> None:
    """Be `python -c WORDS` with other arguments before: what starts a worker."""
    found = sys.modules["__main__"] = types.ModuleType("__main__")
    words = sys.argv[-1]
    sys.argv = ["-c"]
    exec(words, vars(found))  # noqa: S102  it is the program


def imported_by_tests() -> Iterator[str]:
    """Modules that files of this folder import at their head, or whose names they may be."""
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        for plain, package, names in IMPORT.findall(file.read_text(encoding="utf-8")):
            module = plain or package
            if module.partition(".")[0] != "tests":
                yield module
                for name in NAME.findall(names):
                    if not hasattr(sys.modules.get(module), name):
                        yield f"{module}.{name}"


def import_tests_modules() -> None:
    """Import what tests import; a warning is an error, as where they import it.

    What cannot be imported, as an extra that is missing or a module that somebody is at work on, is
    passed over: its own tests say so, and all others run.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in imported_by_tests():
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def build_commands() -> None:
    """Build the commands of `stemma`, which each program of that name would build alike."""
    root = str(Path(__file__).resolve().parents[1])
    sys.path.insert(0, root)
    from review.cli.app import app  # noqa: PLC0415  imported before
    from tests import command_lines  # noqa: PLC0415  not a module of the programs

    sys.path.remove(root)
    command_lines.keep()
    command_lines.typer.main.get_command(app)


def main() -> None:
    """Import what programs need, then serve."""
    folder, owner = Path(sys.argv[1]), int(sys.argv[2])
    gc.disable()
    if "workers" in sys.argv[3:]:
        import_tests_modules()
    for name in PRELOADED:
        importlib.import_module(name)
    build_commands()
    gc.freeze()
    gc.enable()
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("starting")
        listener.listen()
        Path("starting").rename("socket")
        Server(listener, owner).serve()


if __name__ == "__main__":
    main()
