"""What a machine lacks is said once for each thing, with how to get it, or fails where required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs

ROOT = Path(__file__).resolve().parents[1]
OURS = ("STEMMA_", "PYTEST_")
"""Beginnings of variables that this run was given, and that another run is not to heed."""
TEST = "tests/pipelines/scorers/test_sandboxed_scorers.py"


def test_each_thing_is_named_once_with_its_remedy() -> None:
    skipped = [f"Skipped: {needs.BROWSER.lacking}", needs.SANDBOX.lacking, "another reason"]
    lines = list(needs.untested([*skipped, needs.BROWSER.lacking]))
    assert [line.partition(", ")[0] for line in lines] == [
        "the page in a real browser: 2 tests skipped",
        "programs of the sandbox: 1 test skipped",
    ]
    assert "(apt-get install chromium chromium-driver)" in lines[0]
    assert "(apt-get install bubblewrap)" in lines[1]


@pytest.mark.parametrize("required", [False, True])
def test_without_bubblewrap_the_last_lines_say_so_or_the_run_fails(
    tmp_path: Path, required: bool
) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    env = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    env |= {"PATH": str(tmp_path)} | ({needs.SANDBOX.required or "": "1"} if required else {})
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST]
    done = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == required, done.stdout
    section = done.stdout.partition("not tested on this machine")[2]
    assert ("apt-get install bubblewrap" in section) == (not required), done.stdout
