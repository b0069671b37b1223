"""Programs that nobody trusts: what they may do, and what stops them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.errors import SandboxError
from pipelines.sandbox import isolation, programs
from pipelines.sandbox.answers import compare
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.run import GRACE, require, run
from tests.pipelines.isolated import needs_sandbox

pytestmark = needs_sandbox

ADD = "def add(a, b):\n    return a + b\n"
PR_SET_NAME = 15
TESTS = "assert add(1, 2) == 3\nassert add('a', 'b') == 'ab'\n"
SHORT = Limits(seconds=60, cpu_seconds=1, memory_mib=256, processes=12, file_mib=2)

STOPPED = {
    "an endless loop": ("while True: pass", "processor"),
    "a long sleep": ("import time\ntime.sleep(60)", "time"),
    "a fork bomb": ("import os\nwhile True: os.fork()", "processes"),
    "a thread bomb": (
        "import threading as t, time\nwhile True: t.Thread(target=time.sleep, args=(9,)).start()",
        "processes",
    ),
    "an allocation of 10 GB": ("block = bytearray(10 * 1000**3)", "memory"),
    "a large file": ("open('large', 'wb').write(bytes(10**7))", "file size"),
    "many files": (
        "for at in range(9): open(f'part{at}', 'wb').write(bytes(10**6))",
        "file size",
    ),
    "a write outside its folder": ("open('/usr/lib/planted.py', 'w')", "files"),
    "a write into the root": ("open('/planted', 'w')", "files"),
    "a network call": ("import socket\nsocket.create_connection(('192.0.2.1', 80), 1)", "network"),
    "a call to this machine": (
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)",
        "network",
    ),
    "a look-up of a name": ("import socket\nsocket.getaddrinfo('example.org', 80)", "network"),
}


@pytest.mark.parametrize("name", STOPPED)
def test_what_does_harm_is_stopped_and_reported(name: str) -> None:
    harm, expected = STOPPED[name]
    limits = SHORT.model_copy(update={"seconds": 1.0}) if expected == "time" else SHORT
    outcome = programs.judge(f"{harm}\n{ADD}", TESTS, limits)
    assert outcome.result == expected, outcome
    assert outcome.says
    assert not outcome.passed


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
    until = time.monotonic() + GRACE  # the system ends a namespace in its own time
    while _named(mark) and time.monotonic() < until:
        time.sleep(0.01)
    assert _named(mark) == 0


def _named(mark: str) -> int:
    """How many processes have this name."""
    names = []
    for place in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            names.append(place.read_text().strip())
    return names.count(mark)


def test_a_program_that_passes_its_tests_passes() -> None:
    assert programs.judge(ADD, TESTS, SHORT).passed


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("def add(a, b):\n    return a - b\n", "AssertionError"),
        ("def add(a, b:\n", "SyntaxError"),
        ("", "NameError"),
        ("import os\nos._exit(0)", "ended before its tests were through"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended before"),
    ],
)
def test_a_program_that_does_not_has_failed(program: str, says: str) -> None:
    outcome = programs.judge(program, TESTS, SHORT)
    assert outcome.result == "failed"
    assert says in outcome.says


def test_a_report_that_the_program_writes_itself_does_not_count() -> None:
    said = json.dumps({"token": "", "result": "passed", "says": ""}).encode()
    forged = (
        "import os\n"
        "for file in range(3, 64):\n"
        f"    try: os.write(file, {said!r})\n"
        "    except OSError: pass\n"
        "os._exit(0)\n"
    )
    assert programs.judge(forged, TESTS, SHORT).result == "failed"


def test_the_program_sees_nothing_of_this_machine() -> None:
    look = (
        "import os, json\n"
        "seen = {'user': os.getuid(), 'home': os.listdir('/box'), 'root': sorted(os.listdir('/')),"
        " 'processes': len([n for n in os.listdir('/proc') if n.isdigit()]),"
        " 'environment': sorted(os.environ)}\n"
        "print(json.dumps(seen))\n"
    )
    os.environ["STEMMA_PLANTED"] = "secret"
    try:
        finished = run([isolation.interpreter(), "-I", "-c", look], SHORT)
    finally:
        del os.environ["STEMMA_PLANTED"]
    seen = json.loads(finished.output)
    assert seen["user"] == isolation.NOBODY
    assert seen["home"] == []
    assert not {"home", "root", "etc", "tmp", "var", "mnt"} & set(seen["root"])
    assert seen["processes"] <= 3
    assert "STEMMA_PLANTED" not in seen["environment"]


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


def test_answers_are_compared_by_value() -> None:
    pairs = [
        (r"$\frac{1}{2}$", "0.5"),
        ("1/2", r"so it is $\boxed{\frac{2}{4}}$."),
        ("$x^2-1$", "$(x-1)(x+1)$"),
        ("3", "4"),
        ("12", "no idea"),
        ("nothing", "12"),
        ("1", "__import__('os').system('touch /box/planted')"),
    ]
    found = [each.correct for each in compare(pairs)]
    assert found == [True, True, True, False, False, None, False]


def test_an_answer_that_ends_the_process_is_unknown_and_the_others_are_judged() -> None:
    pairs = [("7", "7"), ("1", "(" * 60_000), ("8", "8")]
    found = list(compare(pairs))
    assert [each.correct for each in found][::2] == [True, True]
    assert found[1].correct is not True
    assert found[1].says
