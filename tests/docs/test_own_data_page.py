"""The page for whoever begins with data of their own, followed to the letter."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.following import Step, masked, run, steps
from tests.flow.projects import Project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"
FIRST = ("stemma init", "stemma dataset add penguins penguins.csv", "stemma run penguins")


def test_numbers_and_digests_may_differ_and_words_may_not() -> None:
    (step,) = steps("```console\n$ a b  # c\nread 3 rows\n…\n│ 1 │ 0a1b2c3d4e5f │\n```\n")
    assert step == Step("a b", ("read 3 rows", "│ 1 │ 0a1b2c3d4e5f │"))
    assert step.missing("read 1,200 rows\n│ 12 │ ffffffff0000 │\n") == []
    assert step.missing("read no rows\n") == list(step.shown)
    assert masked("├──┤ .5") == "├ ┤ .#"


@pytest.mark.slow
@pytest.mark.timeout(1200)  # three commands that start some thirty programs
def test_a_table_goes_from_a_file_to_a_published_round(tmp_path: Path) -> None:
    found: dict[str, Step] = {}
    for step in steps(PAGE.read_text(encoding="utf-8")):
        found.setdefault(step.command, step)  # later ones are of data that has grown
    spec = importlib.util.find_spec("palmerpenguins")
    assert spec is not None
    assert spec.origin is not None
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(Path(spec.origin).parent / "data" / "penguins.csv", folder)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ},
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "130",
        "DVC_NO_ANALYTICS": "true",
        "OMP_NUM_THREADS": "1",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c",
    }  # fmt: skip
    try:
        missing = {
            name: found[name].missing(run(found[name], folder, environment)) for name in FIRST
        }
    finally:
        Project(folder).drop_lake()
    assert missing == {name: [] for name in FIRST}
