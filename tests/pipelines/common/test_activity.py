"""Which stages run: written while they do, gone afterwards, and never of a process that is dead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from pipelines.common import activity, progress


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("{}")
    return tmp_path


def test_a_stage_says_how_far_it_is_while_it_runs(project: Path) -> None:
    with activity.of_stage("verify", "digits-3"):
        (begun,) = activity.running()
        assert (begun.stage, begun.key, begun.work) == ("verify", "digits-3", "")
        with progress.bar(4, "scoring") as told:
            told(3, 4)
            (first,) = activity.running()
            told(4, 4)
        (last,) = activity.running()
    assert (first.work, first.done, first.total) == ("scoring", 3, 4)
    assert (last.done, last.pid) == (4, os.getpid())
    assert activity.running() == []
    with pytest.raises(ValueError, match="broken"), activity.of_stage("fit", "digits-4"):
        raise ValueError("broken")
    assert list((project / activity.FOLDER).iterdir()) == []


def test_a_killed_stage_is_not_shown_as_running(project: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, check=True)  # fmt: skip
    with activity.of_stage("fit", "digits-3"):
        (own,) = activity.running()
    folder = project / activity.FOLDER
    dead = asdict(own) | {"pid": int(done.stdout)}
    reused = asdict(own) | {"process_start": own.process_start - 1}
    for name, content in (("dead", dead), ("reused", reused), ("own", asdict(own))):
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "broken.json").write_text('{"pid": "x"')
    (folder / "list.json").write_text("[1]")
    assert activity.running() == [own]
    assert sorted(path.name for path in folder.iterdir()) == [
        "broken.json",
        "list.json",
        "own.json",
    ]


def test_where_there_is_no_project_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with activity.of_stage("lake", None):
        assert list(tmp_path.iterdir()) == []
