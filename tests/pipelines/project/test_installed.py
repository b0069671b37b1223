"""The installed package has all that a project needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("lake", "lineage", "expectations", "pipelines", "review", "stemma")
ABOUT = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")


def test_package_data_names_every_file_that_is_no_code() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    data = tools["setuptools"]["package-data"]
    for package in PACKAGES:
        root = ROOT / package
        files = {
            path
            for path in root.rglob("*")
            if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
        }
        named = {path for pattern in data.get(package, ()) for path in root.glob(pattern)}
        assert files - named == set()


@pytest.mark.slow  # packages are built and installed; the test above finds a file that is left out
def test_a_project_is_made_by_the_package_as_it_is_installed(tmp_path: Path) -> None:
    source, installed, empty = tmp_path / "source", tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ABOUT:
        shutil.copy2(ROOT / name, source / name)
    quiet = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    target = ["--target", str(installed), str(source)]
    pip = [sys.executable, "-m", "pip", "install", *quiet, *target]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    for name in PACKAGES:
        wanted = {path.relative_to(source) for path in (source / name).rglob("*") if path.is_file()}
        assert {path for path in wanted if not (installed / path).is_file()} == set()

    own = {"PYTHONPATH": str(installed), "XDG_CONFIG_HOME": str(tmp_path / "configuration")}
    command = [sys.executable, str(installed / "bin" / "stemma")]
    for words in (["init"], ["status"]):
        done = subprocess.run(
            [*command, *words],
            cwd=empty,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "params.yaml names no data set yet" in done.stdout
    assert (empty / "dvc.yaml").is_file()
