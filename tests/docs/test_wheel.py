"""The wheel in environments of its own, and the first tutorial begun from it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.docs import installing
from tests.docs.blocks import ROOT
from tests.docs.following import Step, environment_of, follow, run
from tests.needs import INDEX, PYTHONS

PAGE = ROOT / "docs" / "tutorials" / "own-table.md"
HERE = "{}.{}".format(*sys.version_info)
OTHERS = [release for release in installing.releases() if release != HERE]
WITHOUT = ("git", "bwrap", "chromium", "sandbox")
"""What `stemma doctor` misses where the path leads to nothing."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installing.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where no variable leads to this checkout."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def begun(programs: Path, folder: Path) -> None:
    """Follow the tutorial up to its first round."""
    environment = environment_of(folder.parent, programs)
    where = Step('python -c "import pipelines; print(pipelines.__file__)"')
    code, place = run(where, folder, environment)
    assert (code, place.startswith(f"{programs.parent}/")) == (0, True), place
    before = PAGE.read_text(encoding="utf-8").partition("## The first round")[0]
    done = list(follow(before, folder, environment))
    assert done[-1][0].command.startswith("stemma dataset add")
    assert {step.command: missing for step, out in done if (missing := step.missing(out))} == {}


@pytest.mark.slow  # a wheel is built, and six programs of it are started
@pytest.mark.timeout(1200)
def test_the_first_tutorial_begins_from_the_wheel(wheel: Path, folder: Path) -> None:
    begun(installing.beside(folder.parent / "environment", wheel), folder)


@pytest.mark.slow  # all that the wheel needs is fetched and installed
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("release", OTHERS)
def test_it_begins_in_an_empty_environment_of_another_python(
    wheel: Path, folder: Path, release: str
) -> None:
    """Where only what the wheel needs is installed, by the releases of constraints.txt."""
    python = installing.interpreter(release)
    if python is None:
        PYTHONS.stop(release)
    if not installing.reaches_an_index():
        INDEX.stop()
    programs = installing.fetched(folder.parent / "environment", wheel, python)
    begun(programs, folder)
    examined(programs, folder, release)


def examined(programs: Path, folder: Path, release: str) -> None:
    """Hold what `stemma doctor` says where there are no programs and no extras."""
    environment = environment_of(folder.parent) | {"PATH": "/nowhere"}
    doctor = f"{programs / 'python'} {programs / 'stemma'} doctor"
    code, told = run(Step(f"{doctor} --json"), folder.parent, environment)
    assert code == 0, told
    found = {(each["area"], each["name"]): each for each in json.loads(told)["findings"]}
    assert found["machine", "Python"]["detail"].startswith(f"{release}.")
    extras = {name for area, name in found if area == "extra"}
    missing = {name for (_, name), each in found.items() if each["state"] == "missing"}
    assert missing == {*WITHOUT, *extras, installing.LARGE, "params.yaml"}
    code, told = run(Step(doctor), folder.parent, environment)
    remedies = told.rpartition("Missing, and how to get it:")[2].splitlines()
    for name in sorted(missing):
        (line,) = [line for line in remedies if f"# {name}: " in line]
        assert line.split("#")[0].strip() == found_remedy(found, name)


def found_remedy(found: dict[tuple[str, str], dict[str, str]], name: str) -> str:
    """The command that brings what is missing, as JSON has it."""
    (remedy,) = [each["remedy"] for (_, known), each in found.items() if known == name]
    assert remedy, f"nothing is said of how to get {name}"
    return remedy


def test_pyproject_names_the_oldest_python_that_it_takes_and_is_tested_by_one_of_them() -> None:
    named = installing.releases()
    assert installing.project()["requires-python"] == f">={named[0]}"
    assert HERE in named
    assert installing.interpreter("2.99") is None
