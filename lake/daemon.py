"""A server of this machine that starts when somebody needs it and ends when nobody does.

It is a process of its own (`python -m MODULE --home DIRECTORY --idle SECONDS`), detached from the
one that needed it, so that an interrupted stage does not take it down. One process serves a
directory: when two are started at once, the one that does not get the lock ends with the exit code
`LOCK_HELD`, and both callers use the other one. A key is sent to the process that holds its
announcement (`lake.announcement`), and to nobody who listens where a dead process did.

    DIRECTORY/
    ├── endpoint.json      where the serving process listens, and its pid; held open by it
    ├── lock               held by the serving process
    └── server.log         what went wrong in the serving process

Only the standard library is imported with this module: a stage that must cost a tenth of a second
reads it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from lake import announcement, polling, private
from lake.announcement import Announcement
from lake.errors import BusyError, FullError, UnreachableError

LOCK_HELD: Final = BusyError.exit_code
"""Exit code of a process that found the lock held."""
_POLL_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 0.5
_PACKAGES: Final = str(Path(__file__).resolve().parents[1])
"""The directory that this package is imported from."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens or listened, and the process that does or did."""

    url: str
    pid: int
    idle: int = 0
    """Seconds without a request after which it ends itself; 0: never."""


@dataclass(frozen=True, slots=True)
class DaemonHome:
    """The directory of a server: what its process and its clients agree on."""

    path: Path

    @property
    def lock(self) -> Path:
        """The file whose lock the serving process holds."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """What the serving process reports."""
        return self.path / "server.log"

    def endpoint(self) -> Endpoint | None:
        """Return where the directory is or was served last; only good for telling a person.

        What a copy of another directory says is about that other one, and does not count.
        """
        return self._announced(announcement.read(self._endpoint, held=False))

    def serving(self) -> Endpoint | None:
        """Return where the directory is served by a process that lives, or None.

        Keys are sent there and nowhere else: where a dead server listened, anybody may listen now.
        """
        return self._announced(announcement.read(self._endpoint, held=True))

    def announce(self, endpoint: Endpoint) -> Announcement:
        """Write down where this process serves the directory, until it ends or withdraws.

        Raises:
            OSError: The directory cannot be written.
        """
        return announcement.announce(self._endpoint, {**asdict(endpoint), "home": str(self.path)})

    @contextmanager
    def held(self, service: str) -> Iterator[None]:
        """Hold the directory's lock while this process serves it, and close its files to others.

        The lock is freed when the process ends, however it ends.

        Args:
            service: What is served, for the message, such as "the lake in DIRECTORY".

        Raises:
            BusyError: Another process holds the lock.
            FullError: The lock's file cannot be used.
            OSError: The directory cannot be written.
        """
        import filelock  # noqa: PLC0415  only the serving process needs it

        private.folder(self.path)
        private.close_files(self.path)
        private.touch(self.lock)
        lock = filelock.FileLock(self.lock, timeout=0, mode=private.FILE_MODE)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            endpoint = self.endpoint()
            holder = "another process"
            if endpoint is not None:
                holder = f"process {endpoint.pid} at {endpoint.url}"
            raise BusyError(f"{holder} serves {service} already") from error
        except OSError as error:
            raise FullError(f"{service} cannot be locked: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()

    @property
    def _endpoint(self) -> Path:
        return self.path / "endpoint.json"

    def _announced(self, content: Mapping[str, Any] | None) -> Endpoint | None:
        """The endpoint in an announcement; its directory and idle time are not in every release."""
        if content is None:
            return None
        try:
            if not self.path.samefile(str(content.get("home", self.path))):
                return None
        except (ValueError, OSError):
            return None
        url, pid, idle = content.get("url"), content.get("pid"), content.get("idle", 0)
        if isinstance(url, str) and type(pid) is int and type(idle) is int:
            return Endpoint(url, pid, idle)
        return None


@dataclass(frozen=True, slots=True)
class Daemon:
    """A server that is started on demand."""

    name: str
    """What it is, for messages, such as "the embedded lake in DIRECTORY"."""
    home: DaemonHome
    module: str
    """The module that `python -m` runs; it holds the lock and announces itself."""
    is_ready: Callable[[Endpoint], bool]
    """Whether the server at an endpoint accepts the caller's key."""
    inherits: Callable[[str], bool]
    """Whether the server may see an environment variable of the caller, by its name."""
    program: str
    """The name that begins what the process prints."""

    def running(self) -> Endpoint | None:
        """Return the endpoint of the living server, where it accepts the caller's key."""
        endpoint = self.home.serving()
        return endpoint if endpoint is not None and self.is_ready(endpoint) else None

    def ensure(self, *, idle: int, timeout: float) -> Endpoint:
        """Return the endpoint of the server, which is started if needed.

        Args:
            idle: Seconds without a request after which a server started here ends itself.
            timeout: Seconds to wait until it answers.

        Raises:
            UnreachableError: It did not start; the message holds what it said last.
            FullError: Its directory cannot be written.
        """
        return self.running() or self._start(idle, timeout)

    def _start(self, idle: int, timeout: float) -> Endpoint:
        if not os.access(self.home.path, os.W_OK):
            raise FullError(f"{self.name} cannot be written: it is read-only, or not yours")
        deadline = time.monotonic() + timeout

        def attempt() -> Endpoint:
            with self._spawned(idle) as process:
                endpoint = self._when_ready(process, deadline)
                if endpoint is None:
                    raise self._failure(process, f"no answer within {timeout:g} s")
                return endpoint

        # The holder of the lock may be about to answer, or about to end.
        return polling.repeat(attempt, on=_HeldError, interval=_RETRY_SECONDS, timeout=timeout)

    def _when_ready(self, process: subprocess.Popen[bytes], deadline: float) -> Endpoint | None:
        """Wait until the server answers; None when the process has ended or the time is over."""

        def endpoint_or_end() -> Endpoint | None:
            ended = process.poll() is not None
            endpoint = self.running()
            if endpoint is None and not ended:
                raise _NotReadyError
            return endpoint

        left = max(deadline - time.monotonic(), _POLL_SECONDS)
        try:
            return polling.repeat(
                endpoint_or_end, on=_NotReadyError, interval=_POLL_SECONDS, timeout=left
            )
        except _NotReadyError:
            return None

    def _failure(self, process: subprocess.Popen[bytes], late: str) -> UnreachableError:
        """The error of a process that did not come to answer; one that still runs is ended."""
        if process.poll() is None:
            process.terminate()
            return UnreachableError(f"{self.name} did not start: {late}")
        error = _HeldError if process.returncode == LOCK_HELD else UnreachableError
        return error(f"{self.name} did not start: {_last_words(process, self.program)}")

    @contextmanager
    def _spawned(self, idle: int) -> Iterator[subprocess.Popen[bytes]]:
        """Start the server detached, and read what it says while the block runs.

        It speaks through a pipe, which needs no room on a disk that may be the trouble.

        Raises:
            UnreachableError: No process can be started.
        """
        command = [sys.executable, "-m", self.module]
        command += ["--home", str(self.home.path), "--idle", str(idle)]
        env = {name: value for name, value in os.environ.items() if self.inherits(name)}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [_PACKAGES, env.get("PYTHONPATH")]))
        try:
            process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=env,
                cwd=self.home.path,
                start_new_session=True,
            )
        except OSError as error:
            raise UnreachableError(f"{self.name} cannot be started: {error.strerror}") from error
        threading.Thread(target=process.wait, daemon=True).start()  # leave no zombie when it ends
        try:
            yield process
        finally:
            if process.stderr is not None:
                process.stderr.close()


def responds(url: str, path: str, headers: Mapping[str, str], *, timeout: float) -> bool:
    """Tell whether a GET is answered with 200; the environment's proxies are passed by.

    Args:
        url: Names the host and port.
        path: Is asked for there.
        headers: Are sent along, such as the one that holds a key.
        timeout: Seconds to wait for the answer.
    """
    import http.client  # noqa: PLC0415  half of the time that this module takes to import

    try:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=timeout
        )
        with closing(connection):
            connection.request("GET", path, headers=dict(headers))
            return connection.getresponse().status == http.client.OK
    except (OSError, ValueError, http.client.HTTPException):
        return False


class _NotReadyError(Exception):
    """The server neither answers nor has ended yet."""


class _HeldError(UnreachableError):
    """The process ended because another one holds the lock."""


def _last_words(process: subprocess.Popen[bytes], program: str) -> str:
    """What an ended server printed last, in one line, without the name of its program."""
    text = process.stderr.read() if process.stderr is not None else b""
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix(f"{program}: ") if lines else f"exit code {process.returncode}"
