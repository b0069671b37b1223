"""`import stemma`: what it offers, and what it says where a user's folder hides our packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import stemma
from stemma import _packages

ROOT = Path(__file__).resolve().parents[2]


def ran(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command there, as a user would: nothing but the installation tells where we are."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=directory, env=env, check=False, capture_output=True, text=True
    )


def python(directory: Path, code: str) -> subprocess.CompletedProcess[str]:
    return ran(directory, sys.executable, "-c", code)


@pytest.fixture(params=["a package", "a module"])
def shadowed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory with something of the user's that is called `pipelines`."""
    if request.param == "a module":
        (tmp_path / "pipelines.py").write_text("mine = 1\n", encoding="utf-8")
        return tmp_path
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    return tmp_path


def test_it_is_imported_from_any_directory_and_loads_little(tmp_path: Path) -> None:
    code = (
        "import sys, stemma; print(stemma.__version__, sorted(stemma.__all__)); "
        "sys.exit(bool({'polars', 'review', 'lake'} & set(sys.modules)))"
    )
    answer = python(tmp_path, code)
    assert answer.returncode == 0, answer.stderr
    names = sorted(stemma.__all__)
    assert {"audit", "diff", "load", "open"} < {*names}
    assert answer.stdout == f"{metadata.version('stemma')} {names}\n"


def test_each_name_of_all_is_there() -> None:
    assert all(hasattr(stemma, name) for name in stemma.__all__)
    assert set(stemma.__all__) <= set(dir(stemma))
    with pytest.raises(AttributeError, match="has no attribute 'opens'"):
        stemma.opens  # noqa: B018  the access is the test


def test_our_packages_are_those_of_the_distribution() -> None:
    _packages.check()
    beside = {"experiments"}  # of the repository, and not installed
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - beside == {
        *_packages.NAMES,
        "stemma",
    }


def test_a_folder_in_place_of_our_package_is_refused_in_a_sentence(shadowed: Path) -> None:
    code = (
        "import stemma\n"
        "for use in ('stemma.open', 'stemma.diff', 'from stemma import open'):\n"
        "    try:\n        exec(use)\n    except ImportError as error:\n        print(error)\n"
        "stemma.open"
    )
    answer = python(shadowed, code)
    there = next(path for path in shadowed.iterdir() if path.stem == "pipelines")
    sentence = (
        f"{there} would be imported in place of Stemma's package 'pipelines'; "
        "rename it, or use the `stemma` command, which it does not affect"
    )
    assert answer.stdout.splitlines() == [sentence] * 3
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == f"ImportError: {sentence}"


def test_a_folder_that_is_no_package_gives_way(tmp_path: Path) -> None:
    for name in ("expectations", "pipelines"):
        (tmp_path / name).mkdir()
    code = "import stemma; stemma.open; import pipelines.params; print(pipelines.__file__)"
    answer = python(tmp_path, code)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == str(ROOT / "pipelines" / "__init__.py")


def test_a_package_that_is_imported_already_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "lake.py").write_text("mine = 1\n", encoding="utf-8")
    answer = python(tmp_path, "import lake, stemma; stemma.open")
    assert "lake.py would be imported in place of" in answer.stderr.splitlines()[-1]


def test_a_copy_of_the_packages_elsewhere_goes_together(tmp_path: Path) -> None:
    for name in (*_packages.NAMES, "stemma"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc"))
    answer = python(tmp_path, "import stemma; print(stemma.__file__); stemma.open")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == str(tmp_path / "stemma" / "__init__.py")


def test_the_command_works_beside_a_folder_of_that_name(shadowed: Path) -> None:
    command = str(Path(sys.executable).with_name("stemma"))
    version = ran(shadowed, command, "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout == f"stemma {metadata.version('stemma')}\n"
    stage = ran(shadowed, command, "stage", "lake")
    assert stage.returncode == 2
    assert stage.stderr == (
        "stemma: there is no params.yaml; run this in the project's directory, or make a project "
        "with `stemma init`\n"
    )


@pytest.mark.slow
def test_a_folder_called_lake_does_not_hide_the_server(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "__init__.py").write_text("", encoding="utf-8")
    command = [str(Path(sys.executable).with_name("stemma")), "lake", "serve", "--home", "home"]
    with subprocess.Popen(
        [*command, "--port", "0", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.terminate()
    assert first == "{\n"
