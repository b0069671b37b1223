"""A new project: what is made, what is kept, what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from pipelines import params
from pipelines.common.errors import ProjectError
from pipelines.project import scaffold

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.delenv("STEMMA_GUARD_KEY", raising=False)


def test_the_stages_of_a_new_project_are_those_of_this_one() -> None:
    ours, theirs = (
        (place / "dvc.yaml").read_text(encoding="utf-8") for place in (ROOT, scaffold.TEMPLATES)
    )
    assert ours.partition("\nplots:\n")[0] == theirs
    for path, template in scaffold.WRITTEN.items():
        if path.startswith(".dvc/"):
            assert (ROOT / path).read_bytes() == (scaffold.TEMPLATES / template).read_bytes()
    settings = (scaffold.TEMPLATES / scaffold.SETTINGS).read_bytes()
    assert (ROOT / ".dvc" / "config").read_bytes() == settings


def test_an_empty_folder_becomes_a_project(tmp_path: Path) -> None:
    root = tmp_path / "own"

    made = scaffold.create(root)

    assert made.kept == ()
    assert params.load(root / "params.yaml").datasets == {}
    assert yaml.safe_load((root / "dvc.yaml").read_text())["stages"]["fit"]
    assert (root / "README.md").read_text().startswith("# own\n")
    assert len((root / "README.md").read_text().splitlines()) <= 10
    assert (root / "trust" / f"{made.key}.pem").is_file()
    assert (root / "expectations" / "suites" / ".gitkeep").is_file()
    assert "analytics = false" in (root / ".dvc" / "config").read_text()
    done = subprocess.run(
        ["git", "-C", str(root), "check-ignore", ".lake/x", "models/x", "rounds/x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [".lake/x", "models/x"]


def test_a_project_is_not_made_twice(tmp_path: Path) -> None:
    scaffold.create(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with pytest.raises(ProjectError, match="is a project already, and nothing was changed"):
        scaffold.create(tmp_path)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml"])
def test_another_pipeline_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine: 1\n")
    with pytest.raises(ProjectError, match="make the project in a folder of its own"):
        scaffold.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "README.md").write_text("mine\n")
    (tmp_path / ".gitignore").write_text("/models/\nown")
    inner = tmp_path / "inner"

    made = scaffold.create(tmp_path)

    assert (tmp_path / "README.md").read_text() == "mine\n"
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["/models/", "own"]
    assert "/.lake/" in lines
    assert lines.count("/models/") == 1
    assert made.extended == (".gitignore",)
    assert f"the git repository {tmp_path}" in made.kept
    assert "README.md" in made.kept
    scaffold.create(inner)
    assert not (inner / ".git").exists()
    assert (inner / ".dvc" / "config").is_file()
