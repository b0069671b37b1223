"""Running a program shut in, and saying what stopped it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import Final

from pipelines.errors import SandboxError
from pipelines.sandbox import isolation
from pipelines.sandbox.limits import Limits

SIGNALLED: Final = 128
"""Shells, and bubblewrap, add a signal's number to this."""
GRACE: Final = 5.0
"""Seconds in which a killed run must be gone."""
KEPT: Final = 4096
"""Bytes of output that are kept, from its end."""
PROBE: Final = """
import os, socket
assert os.getuid() != 0
assert sorted(os.listdir("/box")) == []
interfaces = [name for _, name in socket.if_nameindex()]
assert interfaces in ([], ["lo"]), interfaces
os.write(1, b"alone")
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended."""

    code: int | None
    """Exit code; None: it was ended by the clock."""
    report: bytes
    """What it wrote to the report's file descriptor."""
    output: bytes
    """The end of what it printed."""

    @property
    def signal(self) -> int | None:
        """The signal that ended it, if one did."""
        if self.code is None or SIGNALLED >= self.code >= 0:
            return None
        return -self.code if self.code < 0 else self.code - SIGNALLED

    @property
    def stopped(self) -> str | None:
        """Which limit ended it: time, processor or file size; None: none of these."""
        if self.code is None:
            return "time"
        ends = {signal.SIGXCPU: "processor", signal.SIGXFSZ: "file size"}
        return ends.get(signal.Signals(self.signal)) if self.signal in set(signal.Signals) else None


def run(program: list[str], limits: Limits, *, given: bytes = b"") -> Finished:
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
        reason = said[-1] if said else f"exit code {probe.code}"
        raise SandboxError(f"programs cannot be isolated on this system, so none is run: {reason}")


def _run(program: list[str], limits: Limits, given: bytes) -> Finished:
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as report,
    ):
        source.write(given)
        source.seek(0)
        number = report.fileno()
        asked = [part.replace("{report}", str(number)) for part in program]
        with subprocess.Popen(  # noqa: S603  every argument is our own
            isolation.command(asked, limits),
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(number,),
            start_new_session=True,
        ) as process:
            code = _wait(process, limits.seconds)
        return Finished(code, _end(report.fileno(), limits.file), _end(output.fileno(), KEPT))


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Wait for the end, or bring it about: the whole session, and with it the namespaces."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(GRACE)
        return None
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def _end(file: int, most: int) -> bytes:
    size = os.fstat(file).st_size
    return os.pread(file, most, max(size - most, 0))
