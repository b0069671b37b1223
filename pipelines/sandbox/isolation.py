"""How a program is shut in: bubblewrap's namespaces, resource limits, an unprivileged user.

The program gets namespaces of its own (user, process ids, network, mounts, IPC, host name), sees
the system's libraries and one Python read-only, and may write into one small folder in memory.
Limits on processor time, memory, processes and file size are set by prlimit inside the namespaces,
so that they count this run alone.

Started by root, everything runs as the user nobody: root is exempt from the limit on processes. An
outer bubblewrap first puts the read-only folders where nobody can reach them.

bubblewrap: https://github.com/containers/bubblewrap; prlimit and setpriv: util-linux.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from pipelines.errors import SandboxError
from pipelines.sandbox.limits import Limits

NOBODY: Final = 65534
WORK: Final = "/box"
"""The folder that a program starts in and may write to."""
PYTHON: Final = "/python"
PACKAGES: Final = "/packages"
STAGED: Final = "/mnt"
SYSTEM: Final = ("/usr", "/lib", "/lib64", "/bin")
TOOLS: Final = {"bwrap": "bubblewrap", "prlimit": "util-linux", "setpriv": "util-linux"}


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


def command(program: list[str], limits: Limits) -> list[str]:
    """The command that runs a program shut in.

    Args:
        program: path inside the sandbox and arguments; Python is `interpreter()`.
        limits: what it may use.

    Raises:
        SandboxError: this system lacks what isolates.
    """
    folders = {
        PYTHON: Path(sys.base_prefix),
        PACKAGES: Path(sysconfig.get_path("purelib")),
    }
    if os.getuid() != 0:
        return _inner(program, limits, folders)
    staged = {inside: Path(STAGED + inside) for inside in folders}
    return [*_outer(folders), *_inner(program, limits, staged)]


def interpreter() -> str:
    """Path of Python inside the sandbox."""
    return f"{PYTHON}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def _outer(folders: Mapping[str, Path]) -> list[str]:
    """Root's part: put the folders where nobody reaches them, and become nobody."""
    found = tools()
    mounts = ["--dev-bind", "/", "/", "--tmpfs", STAGED]
    for inside, outside in folders.items():
        mounts += ["--ro-bind", str(outside), STAGED + inside]
    user = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    return [found["bwrap"], "--die-with-parent", *mounts, found["setpriv"], *user]


def _inner(program: list[str], limits: Limits, folders: Mapping[str, Path]) -> list[str]:
    """Namespaces and mounts of the run, then its limits, then the program."""
    found = tools()
    mounts: list[str] = []
    for place in SYSTEM:
        path = Path(place)
        if path.is_symlink():
            mounts += ["--symlink", str(path.readlink()), place]
        elif path.is_dir():
            mounts += ["--ro-bind", place, place]
    for inside, outside in folders.items():
        mounts += ["--ro-bind", str(outside), inside]
    alone = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop"]
    alone += ["ALL", "--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox"]
    room = ["--proc", "/proc", "--dev", "/dev", "--size", str(limits.file), "--tmpfs", WORK]
    environment = {"HOME": WORK, "TMPDIR": WORK, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    named = [part for name, value in environment.items() for part in ("--setenv", name, value)]
    bounds = [
        f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}",
        f"--as={limits.memory}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file}",
        "--core=0",
        "--nofile=64",
    ]
    start = [*named, "--remount-ro", "/", "--chdir", WORK]
    return [found["bwrap"], *alone, *mounts, *room, *start, found["prlimit"], *bounds, *program]
