"""Programs that nobody trusts: what they may do, and what stops them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lake.polling import until
from pipelines.common.errors import SandboxError
from pipelines.sandbox import isolation, programs
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.run import GRACE, Process, require, run
from tests.pipelines.isolated import needs_sandbox

pytestmark = needs_sandbox

ADD = "def add(a, b):\n    return a + b\n"
PR_SET_NAME = 15
TESTS = "assert add(1, 2) == 3\nassert add('a', 'b') == 'ab'\n"
SHORT = Limits(seconds=60, cpu_seconds=1, memory_mib=256, processes=12, file_mib=2)


def test_a_fork_bomb_that_swallows_errors_is_gone_when_its_time_is_over() -> None:
    mark = secrets.token_hex(7)  # a process name has 15 bytes, and forks inherit it
    naming = f"import ctypes\nctypes.CDLL(None).prctl({PR_SET_NAME}, b'{mark}', 0, 0, 0)\n"
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"
    limits = Limits(seconds=2, cpu_seconds=9, processes=8)
    with ThreadPoolExecutor(1) as pool:
        judged = pool.submit(programs.judge, naming + bomb, TESTS, limits)
        most = 0
        while not judged.done():
            most = max(most, _named(mark))
    assert judged.result().result == "time"
    assert most > 1
    # The system ends a namespace in its own time.
    assert until(lambda: _named(mark) == 0, interval=0.01, timeout=GRACE)


def _named(mark: str) -> int:
    """How many processes have this name."""
    names = []
    for place in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            names.append(place.read_text().strip())
    return names.count(mark)


def test_what_others_keep_in_shared_memory_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Until a run has its own folders, its first process sees this machine's."""
    (tmp_path / "of another").touch()
    monkeypatch.setattr(isolation, "writable", lambda: (str(tmp_path), isolation.SHARED))
    waiting = subprocess.Popen(["/bin/sleep", "60"])
    with tempfile.TemporaryFile() as status:
        status.write(json.dumps({"child-pid": waiting.pid}).encode())
        status.flush()
        none = Limits().model_copy(update={"files": 0})
        process = Process(waiting, none, None, status)
        try:
            assert process.first() == waiting.pid
            assert not process.poll()
            assert waiting.poll() is None
        finally:
            waiting.kill()
            waiting.wait()


def test_a_program_that_passes_its_tests_passes() -> None:
    assert programs.judge(ADD, TESTS, SHORT).passed


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("def add(a, b):\n    return a - b\n", "AssertionError"),
        ("def add(a, b:\n", "SyntaxError"),
        ("", "NameError"),
        ("import os\nos._exit(0)", "the program ended its process"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os\nos.kill(os.getpid(), 9)", "the program ended its process"),
    ],
)
def test_a_program_that_does_not_has_failed(program: str, says: str) -> None:
    outcome = programs.judge(program, TESTS, SHORT)
    assert outcome.result == "failed"
    assert says in outcome.says


def test_a_program_sees_an_empty_environment_and_its_own_folders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look = (
        "import os, json\n"
        "print(json.dumps({'user': os.getuid(), 'home': os.listdir('/box'),"
        " 'root': sorted(os.listdir('/')), 'environment': sorted(os.environ)}))\n"
    )
    monkeypatch.setenv("STEMMA_PLANTED", "secret")
    finished = run([isolation.interpreter(), "-I", "-c", look], SHORT)
    seen = json.loads(finished.output)
    assert seen["user"] == isolation.NOBODY
    assert seen["home"] == []
    assert set(seen["root"]) <= {"bin", "box", "dev", "lib", "lib64", "python", "tmp", "usr"}
    assert set(seen["environment"]) <= {*isolation.ENVIRONMENT, "PWD", "LC_CTYPE"}


def test_secrets_of_the_environment_are_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-0123456789abcdef")
    monkeypatch.setenv("SOME_TOKEN", "short")
    monkeypatch.setenv("SOME_PLACE", "not-a-secret-at-all")
    said = "raise ValueError('sk-0123456789abcdef short not-a-secret-at-all')"
    outcome = programs.judge(said, TESTS, SHORT)
    assert outcome.says == "ValueError: [SOME_API_KEY] short not-a-secret-at-all"


def test_a_system_that_cannot_isolate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    isolation.tools.cache_clear()
    require.cache_clear()
    try:
        with pytest.raises(SandboxError, match="install the system package bubblewrap"):
            programs.judge(ADD, TESTS, SHORT)
    finally:
        monkeypatch.undo()
        isolation.tools.cache_clear()
        require.cache_clear()


def test_a_sandbox_that_leaks_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bwrap that isolates nothing is found out before anything runs."""
    tool = tmp_path / "bwrap"
    tool.write_text(
        '#!/bin/sh\nwhile [ "${1##*/}" != prlimit ] && [ $# -gt 0 ]; do shift; done\n"$@"\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    isolation.tools.cache_clear()
    require.cache_clear()
    try:
        with pytest.raises(SandboxError, match="none is run"):
            programs.judge(ADD, TESTS, SHORT)
    finally:
        monkeypatch.undo()
        isolation.tools.cache_clear()
        require.cache_clear()
