"""A process for each engine: none profits from another's memory, and a slow one can be ended."""

from __future__ import annotations

import importlib
import multiprocessing
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from benchmarks.lineage.engine import Engine, Result
from benchmarks.lineage.world import World
from benchmarks.measured import Taken

WORKS: Final = ("build", "extend", "open", "find", "ancestors", "descendants", "indirect", "derive")
PATIENCE: Final = 3600.0
"""Seconds for what is not measured."""

Message = tuple[Literal["ready", "started", "ended", "read", "failed"], Any]


class LimitError(Exception):
    """A work took longer than it may."""


class FailedError(Exception):
    """An engine did not do its work."""


@dataclass(slots=True)
class Worker:
    """An engine in a process of its own."""

    spec: str
    """module:class of the engine."""
    world: World
    scratch: Path
    """A directory of its own."""
    limit: float
    """Seconds that a work may take."""
    name: str = field(init=False)
    works: tuple[str, ...] = field(init=False, default=WORKS)
    gone: str = field(init=False, default="")
    """Why it can be asked nothing more."""
    broken: bool = field(init=False, default=False)
    """Whether it could not even start."""
    _process: BaseProcess = field(init=False)
    _pipe: Connection = field(init=False)

    def __post_init__(self) -> None:
        """Start the process and let the engine prepare."""
        self.name = self.spec
        self.scratch.mkdir(parents=True)
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        given = (other, self.spec, self.world, self.scratch)
        self._process = context.Process(target=_serve, args=given, daemon=True)
        self._process.start()
        other.close()
        try:
            self.name, self.works = self._receive("ready", PATIENCE)
        except (LimitError, FailedError) as error:
            self.broken = True
            self.end(f"could not start: {error}")

    def ask(self, work: str, given: tuple[Any, ...]) -> tuple[Taken, Result]:
        """Let the engine do a work; return what it took, and its result.

        Raises:
            LimitError: it took too long.
            FailedError: it failed.
        """
        self._pipe.send((work, given))
        self._receive("started", PATIENCE)
        taken: Taken = self._receive("ended", self.limit)
        file = Path(self._receive("read", PATIENCE))
        with np.load(file) as columns:
            result = dict(columns)
        file.unlink()
        return taken, result

    def end(self, why: str = "") -> None:
        """End the process."""
        self.gone = why
        self._process.kill()
        self._process.join()

    def _receive(self, kind: str, limit: float) -> Any:  # noqa: ANN401  each kind has its own
        if not self._pipe.poll(limit):
            raise LimitError(f"over {limit:g} s")
        try:
            said, what = self._pipe.recv()
        except EOFError as error:
            self._process.join()
            raise FailedError(f"ended with exit code {self._process.exitcode}") from error
        if said == "failed":
            raise FailedError(what)
        if said != kind:
            raise FailedError(f"said {said} where {kind} was due")
        return what


def _serve(pipe: Connection, spec: str, world: World, scratch: Path) -> None:
    """Answer until the other end is closed."""
    try:
        module, _, name = spec.partition(":")
        engine: Engine = getattr(importlib.import_module(module), name)(world, scratch)
        engine.prepare()
        pipe.send(("ready", (engine.name, tuple(each for each in WORKS if hasattr(engine, each)))))
        while True:
            work, given = pipe.recv()
            _do(engine, work, given, pipe)
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001  whatever an engine raises is told
        traceback.print_exc()
        pipe.send(("failed", f"{type(error).__name__}: {error}"))


def _do(engine: Engine, work: str, given: tuple[Any, ...], pipe: Connection) -> None:
    engine.before(work, *given)
    pipe.send(("started", None))
    cpu, start = time.process_time(), time.perf_counter()
    reader = getattr(engine, work)(*given)
    seconds, used = time.perf_counter() - start, time.process_time() - cpu
    pipe.send(("ended", Taken(seconds, used)))
    file = engine.scratch / "result.npz"
    np.savez(file, **reader())
    pipe.send(("read", str(file)))
