"""Programs that try to pass, to look around, to get out, to go on: none does, whoever runs them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.polling import until
from pipelines.sandbox import cgroups, isolation, loader, programs
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.run import GRACE, started
from tests.pipelines.isolated import needs_sandbox
from tests.pipelines.sandbox import judging
from tests.pipelines.sandbox.judging import LISTS, SECRET, complaints

pytestmark = needs_sandbox
ROOT = Path(__file__).resolve().parents[3]
EVERY_DAY = {"right": 9, "wrong": 9, "forged": 3}
"""One in so many programs of a kind is judged every day, and each of all other kinds."""


def cases(step: int = 1) -> list[tuple[str, str]]:
    """List and name of one in `step` programs."""
    return [(kind, name) for kind, (_, names) in LISTS.items() for name in names[::step]]


def marked() -> list[Any]:
    """All programs; of those that are many alike, some are of every day, and no variant."""
    often = {
        (kind, name)
        for kind, (_, names) in LISTS.items()
        for name in [each for each in names if not variant(kind, each)][:: EVERY_DAY.get(kind, 1)]
    }
    return [
        pytest.param(*case, marks=() if case in often else pytest.mark.slow) for case in cases()
    ]


def variant(kind: str, name: str) -> bool:
    """Whether a program does what another one does in another way."""
    return kind == "forged" and bool(judging.ATTACKS[kind][name].get("variant"))


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Stands in the command line of every process that a test starts in the sandbox."""
    found = secrets.token_hex(8)
    monkeypatch.setattr(loader, "START", f"{loader.START}\n# {found}")
    monkeypatch.setenv("PLANTED_API_KEY", SECRET)
    yield found
    assert until(lambda: not _marked(found), interval=0.01, timeout=GRACE), _marked(found)
    assert _zombies() == []


def _marked(mark: str) -> list[str]:
    """Processes with the mark in their command line."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark.encode() in place.read_bytes():
                found.append(place.parent.name)
    return found


def _zombies() -> list[str]:
    """Children of this process that have ended and that nobody waits for."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = place.read_text().rpartition(")")
            state, parent = rest.split()[:2]
            if state == "Z" and int(parent) == os.getpid() and "(sh" in name + "(bwrap":
                found.append(name)
    return found


@pytest.mark.parametrize(("kind", "name"), marked())
def test_each_program_gets_what_it_deserves(mark: str, kind: str, name: str) -> None:
    del mark  # which looks for what the program has left behind
    outcome = LISTS[kind][0](name)
    assert list(complaints(kind, name, outcome.result, outcome.says)) == []
    assert outcome.says if outcome.result != "passed" else not outcome.says


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become an ordinary user")
@pytest.mark.parametrize(
    "step",
    [pytest.param(60, id="some of them"), pytest.param(1, id="all", marks=pytest.mark.slow)],
)
def test_an_ordinary_user_is_as_safe(tmp_path: Path, step: int) -> None:
    """The same programs, started by a user without rights, whose Python root puts in its reach."""
    folders = {
        sys.base_prefix: "/mnt/python",
        sysconfig.get_path("purelib"): "/mnt/packages",
        str(ROOT): "/mnt/project",
    }
    mounts = [part for each in folders.items() for part in ("--ro-bind", *each)]
    outer = ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--tmpfs", "/mnt", *mounts]
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    python = f"/mnt/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    run = subprocess.run(
        [*outer, *user, python, "-B", "/mnt/project/tests/pipelines/sandbox/judging.py", str(step)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "/mnt/packages", "PLANTED_API_KEY": SECRET},
        cwd=tmp_path.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert [(kind, name) for kind, each in found.items() for name in each] == cases(step)
    wrong = [
        complaint
        for kind, each in found.items()
        for name, (result, says) in each.items()
        for complaint in complaints(kind, name, result, says)
    ]
    assert wrong == []


def test_a_killed_stage_takes_its_sandboxes_with_it() -> None:
    mark = secrets.token_hex(8)
    program = f"import time\ntime.sleep(600)  # {mark}\n"
    code = (
        "from pipelines.sandbox import isolation\nfrom pipelines.sandbox.limits import Limits\n"
        "from pipelines.sandbox.run import run\n"
        f"run([isolation.interpreter(), '-I', '-c', {program!r}], Limits(seconds=600))\n"
    )
    stage = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        assert until(lambda: _sleeping(mark), interval=0.01, timeout=30)
    finally:
        stage.send_signal(signal.SIGKILL)
        stage.wait()
    until(lambda: not _marked(mark), interval=0.01, timeout=GRACE)
    assert _marked(mark) == []


def _sleeping(mark: str) -> list[str]:
    """Programs with the mark that run in a namespace of their own."""
    found = []
    for pid in _marked(mark):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/python/bin/python"):
                found.append(pid)
    return found


def test_a_run_that_nobody_ends_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "LATEST_SECONDS", 0.1)
    forever = "import os, time\nif os.fork():\n    time.sleep(600)\ntime.sleep(600)"
    program = [isolation.interpreter(), "-I", "-c", forever]
    with started(program, Limits(seconds=0.4)) as process:
        process.popen.wait(GRACE)
        assert process.finished().code not in {None, 0}


def test_groups_of_killed_stages_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts, own, root = tmp_path / "mountinfo", tmp_path / "cgroup", tmp_path / "memory"
    (root / "a").mkdir(parents=True)
    (root / "a" / "cgroup.procs").touch()
    left = root / "a" / f"{cgroups.NAME}-999999999-0"
    left.mkdir()
    mounts.write_text(f"36 35 0:30 / {root} rw - cgroup cgroup rw,memory\n")
    own.write_text("4:memory:/a\n0::/\n")
    monkeypatch.setattr(cgroups, "MOUNTS", mounts)
    monkeypatch.setattr(cgroups, "OWN", own)
    with cgroups.group(1 << 20) as group:
        assert group is not None
        assert group.path.parent == root / "a"
        assert (group.path / "memory.limit_in_bytes").read_text() == str(1 << 20)
        assert not left.exists()
        shutil.rmtree(group.path)  # a folder of a file system; the kernel's own goes with `rmdir`
        group.path.mkdir()
    assert not group.path.exists()


def test_one_bound_holds_all_processes_where_there_are_groups() -> None:
    with cgroups.group(1 << 20) as group:
        if group is None:
            pytest.skip("no control group can be made here")
    take = (
        "import multiprocessing, time\n"
        "def take(_):\n    block = bytearray(200 << 20)\n    time.sleep(9)\n"
        "def add(a, b):\n    with multiprocessing.Pool(5) as pool:\n"
        "        pool.map(take, range(5))\n    return a + b\n"
    )
    outcome = programs.judge(take, judging.TESTS, judging.SHORT)
    assert outcome.result == "memory", outcome
