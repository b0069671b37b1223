"""How a program is shut in: bubblewrap's namespaces, resource limits, an unprivileged user.

The program gets namespaces of its own (user, process ids, network, mounts, IPC, host name), an
empty environment, and no `/proc`, where it could read about the processes around it. It sees the
system's libraries and one Python read-only, and may write into two small folders in memory, `/box`
(also called `/tmp`) and `/dev/shm`. Limits on processor time, memory, processes and file size are
set by prlimit inside the namespaces, so that they count this run alone; a filter on system calls
(`seccomp.py`) holds what these leave open.

Started by root, everything runs as the user nobody: root is exempt from the limit on processes. An
outer bubblewrap first puts the read-only folders where nobody can reach them, in a namespace of
process ids of its own, with which the whole run ends.

bubblewrap: https://github.com/containers/bubblewrap; prlimit and setpriv: util-linux.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pipelines.common.errors import SandboxError
from pipelines.sandbox.limits import Limits

NOBODY: Final = 65534
WORK: Final = "/box"
"""The folder that a program starts in and may write to."""
SHARED: Final = "/dev/shm"  # noqa: S108  of the sandbox, where semaphores are made
PYTHON: Final = "/python"
PACKAGES: Final = "/packages"
"""Where a program sees this project's libraries, if one of its arguments names the folder."""
STAGED: Final = "/mnt"
SYSTEM: Final = ("/usr", "/lib", "/lib64", "/bin")
LOCAL: Final = "/usr/local"
"""What this machine's owner installed; of it only the libraries are shown."""
DEVICES: Final = ("null", "zero", "full", "random", "urandom")
WAITS: Final = ("/bin/sh", "-c", '"$@"; exit $?', "sh")
"""The first process of a namespace, which waits for the program and ends with its exit code.
bubblewrap's own would be left for the first process of this machine to wait for."""
LATEST_SECONDS: Final = 20.0
"""Time after its limit at which a run ends by itself: nobody may be left who ends it. bubblewrap
ends with the process that started it, but not if that is killed while it still makes namespaces."""
ENVIRONMENT: Final = {
    "HOME": WORK,
    "TMPDIR": WORK,
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
TOOLS: Final = {
    "bwrap": "bubblewrap",
    **dict.fromkeys(("prlimit", "setpriv"), "util-linux"),
    "timeout": "coreutils",
}
WITHOUT_USER_NAMESPACES: Final = (0, 8)
"""The release of bubblewrap that can keep a program from making user namespaces; with an earlier
one, the filter on system calls does."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Numbers of file descriptors that bubblewrap itself uses."""

    status: int
    """It writes there which process is the first of the run."""
    filter: int | None
    """It reads the filter on system calls from there."""


@cache
def tools() -> Mapping[str, str]:
    """The programs that isolate, by name.

    Raises:
        SandboxError: one is missing, or this is not Linux.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxError(f"programs are only isolated on Linux, and this is {sys.platform}")
    found = {name: shutil.which(name) for name in TOOLS}
    for name, place in found.items():
        if place is None:
            raise SandboxError(
                f"{name} is missing, so programs cannot be isolated here; install the system "
                f"package {TOOLS[name]}"
            )
    return {name: place for name, place in found.items() if place is not None}


def command(program: Sequence[str], limits: Limits, descriptors: Descriptors) -> list[str]:
    """The command that runs a program shut in.

    Args:
        program: path inside the sandbox and arguments; Python is `interpreter()`.
        limits: what it may use.
        descriptors: what bubblewrap reads and writes.

    Raises:
        SandboxError: this system lacks what isolates.
    """
    folders = {PYTHON: Path(sys.base_prefix)}
    if PACKAGES in program:
        folders[PACKAGES] = Path(sysconfig.get_path("purelib"))
    size = ["--size", str(limits.file), "--tmpfs"]
    status = ["--info-fd", str(descriptors.status)]
    if os.getuid() != 0:
        room = [*size, WORK, *size, SHARED]
        timed = [*_timed(limits), *program]
        return _inner(timed, limits, folders, [*status, *_filter(descriptors)], room)
    staged = {inside: Path(STAGED + inside) for inside in folders}
    room = ["--bind", STAGED + WORK, WORK, "--bind", STAGED + SHARED, SHARED]
    made = [part for place in (WORK, SHARED) for part in ("--perms", "1777", *size, STAGED + place)]
    return [
        *_outer(folders, [*status, *made], limits),
        *_inner(program, limits, staged, _filter(descriptors), room),
    ]


def writable() -> tuple[str, ...]:
    """The folders that a program may write to, as the first process of the run sees them."""
    return tuple((STAGED if os.getuid() == 0 else "") + place for place in (WORK, SHARED))


def interpreter() -> str:
    """Path of Python inside the sandbox."""
    return f"{PYTHON}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def _filter(descriptors: Descriptors) -> list[str]:
    return [] if descriptors.filter is None else ["--seccomp", str(descriptors.filter)]


def _timed(limits: Limits) -> list[str]:
    """What ends a run that nobody else ends."""
    return [tools()["timeout"], "-s", "KILL", str(limits.seconds + LATEST_SECONDS)]


def _outer(folders: Mapping[str, Path], options: Sequence[str], limits: Limits) -> list[str]:
    """Root's part: put the folders where nobody reaches them, and become nobody."""
    found = tools()
    mounts = ["--dev-bind", "/", "/", "--tmpfs", STAGED]
    for inside, outside in folders.items():
        mounts += ["--ro-bind", str(outside), STAGED + inside]
    user = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    alone = ["--unshare-pid", "--as-pid-1", "--die-with-parent"]
    waits = [*WAITS, *_timed(limits)]
    return [found["bwrap"], *alone, *mounts, *options, *waits, found["setpriv"], *user]


def _inner(
    program: Sequence[str],
    limits: Limits,
    folders: Mapping[str, Path],
    options: Sequence[str],
    room: Sequence[str],
) -> list[str]:
    """Namespaces and mounts of the run, then its limits, then the program."""
    found = tools()
    alone = ["--unshare-user", "--unshare-all", "--as-pid-1", "--die-with-parent"]
    alone += [
        "--new-session",
        "--clearenv",
        "--cap-drop",
        "ALL",
        "--uid",
        str(NOBODY),
        "--gid",
        str(NOBODY),
    ]
    alone += ["--hostname", "sandbox"]
    if _release() >= WITHOUT_USER_NAMESPACES:
        alone += ["--disable-userns"]
    mounts = [*_system(), "--tmpfs", "/dev"]
    for inside, outside in folders.items():
        mounts += ["--ro-bind", str(outside), inside]
    for name in DEVICES:
        mounts += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    closed = ["--symlink", WORK.lstrip("/"), "/tmp", "--remount-ro", "/dev", "--remount-ro", "/"]  # noqa: S108  of the sandbox
    named = [part for each in ENVIRONMENT.items() for part in ("--setenv", *each)]
    bounds = [
        f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}",
        f"--as={limits.memory}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file}",
        "--core=1",  # 0 would still hand a core to a program of this machine that takes them
        "--nofile=64",
        "--msgqueue=0",
        "--memlock=0",
        "--sigpending=256",
    ]
    start = [*named, "--chdir", WORK, *options, found["prlimit"], *bounds, *WAITS, *program]
    return [found["bwrap"], *alone, *mounts, *room, *closed, *start]


def _system() -> list[str]:
    """Mounts of the system's programs and libraries."""
    mounts: list[str] = []
    for place in SYSTEM:
        path = Path(place)
        if path.is_symlink():
            mounts += ["--symlink", str(path.readlink()), place]
        elif path.is_dir():
            mounts += ["--ro-bind", place, place]
    if Path(LOCAL).is_dir() and Path(sys.base_prefix) != Path(LOCAL):
        libraries = f"{LOCAL}/lib"
        mounts += ["--tmpfs", LOCAL, "--ro-bind-try", libraries, libraries, "--remount-ro", LOCAL]
    return mounts


@cache
def _release() -> tuple[int, int]:
    """Release of bubblewrap."""
    told = subprocess.run(  # noqa: S603  found on PATH, without any input
        [tools()["bwrap"], "--version"], capture_output=True, text=True, check=False, env={}
    )
    found = re.search(r"(\d+)\.(\d+)", told.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
