"""The page for whoever begins with data of their own, followed to the letter."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.docs.blocks import OWN_DATA
from tests.docs.following import Step, environment_of, run, steps
from tests.flow.projects import Project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"


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
    environment = environment_of(tmp_path)
    try:
        done = {name: run(found[name], folder, environment) for name in OWN_DATA}
    finally:
        Project(folder).drop_lake()
    assert [code for code, _ in done.values()] == [0] * len(OWN_DATA), done
    assert {name: found[name].missing(output) for name, (_, output) in done.items()} == {
        name: [] for name in OWN_DATA
    }
