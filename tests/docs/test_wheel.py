"""The wheel in an environment of its own, and the first tutorial begun from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tests.docs.following import Step, environment_of, follow, run

PACKAGES = ("lake", "lineage", "expectations", "pipelines", "review", "stemma")
ABOUT = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")
PAGE = ROOT / "docs" / "tutorials" / "own-table.md"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
ALONE = ("--no-deps", "--no-index")


def installed(folder: Path) -> Path:
    """Build the wheel and install it into an environment of its own; the folder of its programs.

    What it depends on is that of this environment, which no test may fetch again: it is found
    behind the environment's own packages, so that `stemma` is the wheel's.
    """
    source, wheels, environment = folder / "source", folder / "wheels", folder / "environment"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ABOUT:
        shutil.copy2(ROOT / name, source / name)
    built = [*PIP, "wheel", "--no-build-isolation", *ALONE, "--wheel-dir", str(wheels), str(source)]
    subprocess.run(built, check=True)
    venv.create(environment, symlinks=True)
    (wheel,) = wheels.glob("stemma-*.whl")
    python = environment / "bin" / "python"
    install = [*PIP, "--python", str(python), "install", "--ignore-installed", *ALONE, str(wheel)]
    subprocess.run(install, check=True)  # whatever the folder that the tests run in holds
    (own,) = environment.glob("lib/python*/site-packages")
    behind = [path for path in sys.path if path.endswith("site-packages")]
    (own / "dependencies.pth").write_text("".join(f"{path}\n" for path in behind))
    return environment / "bin"


@pytest.mark.slow  # a wheel is built, and six programs of it are started
@pytest.mark.timeout(1200)
def test_the_first_tutorial_begins_from_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, folder = installed(tmp_path), tmp_path / "empty"
    folder.mkdir()
    monkeypatch.delenv("PYTHONPATH", raising=False)
    environment = environment_of(tmp_path, programs)
    where = Step('python -c "import pipelines; print(pipelines.__file__)"')
    code, place = run(where, folder, environment)
    assert (code, place.startswith(f"{programs.parent}/")) == (0, True), place
    before = PAGE.read_text(encoding="utf-8").partition("## The first round")[0]
    done = list(follow(before, folder, environment))
    assert done[-1][0].command.startswith("stemma dataset add")
    assert {step.command: missing for step, out in done if (missing := step.missing(out))} == {}
