"""Running a program shut in, and saying what stopped it.

A run is ended by killing the first process of its namespace: the kernel then ends all others of it,
and bubblewrap, which waits for it, ends by itself, so that none is left that nobody waits for.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Final

from pipelines.common.errors import SandboxError
from pipelines.sandbox import cgroups, isolation, memory, seccomp
from pipelines.sandbox.cgroups import Group
from pipelines.sandbox.isolation import Descriptors
from pipelines.sandbox.limits import Limits

SIGNALLED: Final = 128
"""Shells, and bubblewrap, add a signal's number to this."""
GRACE: Final = 10.0
"""Seconds in which a killed run must be gone."""
LOOK_SECONDS: Final = 0.05
"""Time between two looks at what a run has written."""
KEPT: Final = 4096
"""Bytes of output that are kept, from its end."""
ENTER: Final = 'echo $$ > "$0" && exec "$@"'
"""What the shell does to put itself, and what it becomes, into a control group."""
PROBE: Final = """
import os, socket
assert os.getuid() != 0
assert sorted(os.listdir("/box")) == []
assert not os.path.exists("/proc"), "/proc"
interfaces = [name for _, name in socket.if_nameindex()]
assert interfaces in ([], ["lo"]), interfaces
os.write(1, b"alone")
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended."""

    code: int | None
    """Exit code; None: it was ended from outside."""
    limit: str | None
    """The limit for which it was ended from outside: time, memory, file count."""
    report: bytes = b""
    """What it wrote to the report's file descriptor."""
    output: bytes = b""
    """The end of what it printed."""

    @property
    def signal(self) -> int | None:
        """The signal that ended it, if one did."""
        if self.code is None or SIGNALLED >= self.code >= 0:
            return None
        return -self.code if self.code < 0 else self.code - SIGNALLED

    @property
    def stopped(self) -> str | None:
        """Which limit ended it: time, processor, memory, file size, file count; None: none."""
        ends = {signal.SIGXCPU: "processor", signal.SIGXFSZ: "file size"}
        for number, limit in ends.items():
            if self.signal == number:
                return limit
        return self.limit


@dataclass(slots=True)
class Process:
    """A run that goes on."""

    popen: subprocess.Popen[bytes]
    limits: Limits
    group: Group | None
    status: IO[bytes]
    """Where bubblewrap tells of the run's first process."""
    _first: int | None = field(default=None)
    _limit: str | None = field(default=None)

    def poll(self) -> bool:
        """Whether it has ended; ends it where it has passed a limit of the whole run."""
        if self.popen.poll() is not None:
            return True
        if self._too_large():
            self.end("memory")
            return True
        if self._files() > self.limits.files:
            self.end("file count")
            return True
        return False

    def end(self, limit: str | None = None) -> None:
        """End every process of the run, and wait until all are gone."""
        if self.popen.poll() is None:
            self._limit = limit
            self._kill()
            self.popen.wait(GRACE)

    def finished(self) -> Finished:
        """How it ended, once it has."""
        if self._limit is not None:
            return Finished(None, self._limit)
        out_of_memory = self.group is not None and self.group.out_of_memory()
        return Finished(self.popen.returncode, "memory" if out_of_memory else None)

    def _kill(self) -> None:
        """Kill the first process, or bubblewrap itself where there is none yet."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first() or self.popen.pid, signal.SIGKILL)
        try:
            self.popen.wait(GRACE / 2)
        except subprocess.TimeoutExpired:
            self.popen.kill()

    def first(self) -> int | None:
        """Process id of the first process of the run; None: there is none yet."""
        if self._first is None:
            told = os.pread(self.status.fileno(), KEPT, 0)
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._first = int(json.loads(told)["child-pid"])
        return self._first

    def _too_large(self) -> bool:
        """Whether all processes of the run have taken more memory than they may."""
        if self.group is not None:
            return self.group.out_of_memory()
        first = self.first()
        return first is not None and memory.exceeds(first, self.limits.whole_memory)

    def _files(self) -> int:
        """How many files and folders the run has made in the folders that it may write to."""
        first, counted = self.first(), 0
        if first is None:
            return 0
        for place in isolation.writable():
            with contextlib.suppress(OSError):  # not mounted yet, or gone
                counted += _made(first, place)
        return counted


def _made(first: int, place: str) -> int:
    """How many files and folders are in a folder of a run; none where it is still this machine's.

    Raises:
        OSError: the run has no such folder, or is gone.
    """
    folder = os.open(f"/proc/{first}/root{place}", os.O_PATH | os.O_DIRECTORY)
    try:
        here = Path(place)
        if here.exists() and here.stat().st_dev == os.fstat(folder).st_dev:
            return 0
        seen = os.fstatvfs(folder)
        return seen.f_files - seen.f_ffree - 1  # without the folder itself
    finally:
        os.close(folder)


@contextlib.contextmanager
def started(
    program: Sequence[str],
    limits: Limits,
    *,
    given: bytes = b"",
    output: int = subprocess.DEVNULL,
    descriptors: Sequence[int] = (),
) -> Iterator[Process]:
    """Start a program shut in; at the end of the block the run is over.

    Args:
        program: path inside the sandbox and arguments.
        limits: what it may use; the time is the caller's to keep.
        given: its standard input.
        output: file descriptor for what it prints.
        descriptors: file descriptors that it gets besides, under the same numbers.

    Raises:
        SandboxError: this system cannot isolate.
    """
    with contextlib.ExitStack() as stack:
        source, status = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        source.write(given)
        source.seek(0)
        own = [status.fileno()]
        number = None
        if (filter_ := seccomp.program()) is not None:
            rules = stack.enter_context(tempfile.TemporaryFile())
            rules.write(filter_)
            rules.seek(0)
            number = rules.fileno()
            own.append(number)
        group = stack.enter_context(cgroups.group(limits.whole_memory))
        asked = isolation.command(program, limits, Descriptors(status.fileno(), number))
        if group is not None:
            asked = ["/bin/sh", "-c", ENTER, str(group.processes), *asked]
        popen = stack.enter_context(
            subprocess.Popen(  # noqa: S603  every argument is our own
                asked,
                stdin=source,
                stdout=output,
                stderr=output,
                pass_fds=(*own, *descriptors),
                env={},  # the first process of the run shows its environment to the others
                start_new_session=True,
            )
        )
        process = Process(popen, limits, group, status)
        stack.callback(process.end)
        yield process


def wait(processes: Sequence[Process], seconds: float) -> None:
    """Wait until the first of some runs has ended; end it when the time is over."""
    until = time.monotonic() + seconds
    if processes[0].poll():
        return
    with selectors.DefaultSelector() as ends:
        number = os.pidfd_open(processes[0].popen.pid)
        ends.register(number, selectors.EVENT_READ)
        try:
            while not processes[0].poll():
                left = until - time.monotonic()
                if left <= 0:
                    processes[0].end("time")
                    return
                for other in processes[1:]:
                    other.poll()
                ends.select(min(left, LOOK_SECONDS))
        finally:
            os.close(number)


def run(program: Sequence[str], limits: Limits, *, given: bytes = b"") -> Finished:
    """Run a program shut in.

    Args:
        program: path inside the sandbox and arguments; "{report}" in an argument stands for the
            number of the file descriptor that it may report on.
        limits: what it may use.
        given: its standard input.

    Raises:
        SandboxError: this system cannot isolate.
    """
    require()
    return _run(program, limits, given)


@cache
def require() -> None:
    """Prove once that this system isolates: refuse to run anything otherwise.

    Raises:
        SandboxError: says what is missing or what the system answered.
    """
    probe = _run([isolation.interpreter(), "-I", "-c", PROBE], Limits(), b"")
    if probe.code != 0 or not probe.output.endswith(b"alone"):
        said = probe.output.decode(errors="replace").strip().splitlines()
        stopped = f"the trial was ended for its {probe.stopped}" if probe.stopped else None
        reason = stopped or (said[-1] if said else f"exit code {probe.code}")
        raise SandboxError(f"programs cannot be isolated on this system, so none is run: {reason}")


def _run(program: Sequence[str], limits: Limits, given: bytes) -> Finished:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as report:
        number = report.fileno()
        asked = [part.replace("{report}", str(number)) for part in program]
        with started(
            asked, limits, given=given, output=output.fileno(), descriptors=[number]
        ) as process:
            wait([process], limits.seconds)
        ended = process.finished()
        said, printed = tail(report, limits.file), tail(output, KEPT)
        return Finished(ended.code, ended.limit, said, printed)


def tail(file: IO[bytes], most: int) -> bytes:
    """The end of a file, at most so many bytes."""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), most, max(size - most, 0))
