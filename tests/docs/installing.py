"""The wheel, and environments that it is installed into: by this Python, and by others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

from tests.docs.blocks import ROOT

PACKAGES: Final = ("lake", "lineage", "expectations", "pipelines", "review", "stemma")
ABOUT: Final = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")
PIP: Final = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
ALONE: Final = ("--no-deps", "--no-index")
LARGE: Final = "torch"
"""Left out of an environment that a test fills: without CUDA it is on no index, and the first
steps with a table need none."""
SOURCE_ONLY: Final = "antlr4-python3-runtime"
"""The one package that a dependency needs and that has no wheel on any index."""


def project() -> dict[str, Any]:
    """The section `project` of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def wheel(folder: Path) -> Path:
    """Build the wheel of the packages in a folder."""
    source, wheels = folder / "source", folder / "wheels"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ABOUT:
        shutil.copy2(ROOT / name, source / name)
    built = [*PIP, "wheel", "--no-build-isolation", *ALONE, "--wheel-dir", str(wheels), str(source)]
    subprocess.run(built, check=True)
    (found,) = wheels.glob("stemma-*.whl")
    return found


def beside(folder: Path, built: Path) -> Path:
    """Install a wheel into an environment of this Python; the folder of its programs.

    What it depends on is that of this environment, which no test may fetch again: it is found
    behind the environment's own packages, so that `stemma` is the wheel's.
    """
    venv.create(folder, symlinks=True)
    _install_alone(folder, built)
    (own,) = folder.glob("lib/python*/site-packages")
    behind = [path for path in sys.path if path.endswith("site-packages")]
    (own / "dependencies.pth").write_text("".join(f"{path}\n" for path in behind))
    return folder / "bin"


def fetched(folder: Path, built: Path, python: Path) -> Path:
    """Install a wheel and what it depends on into an empty environment; its programs' folder.

    Dependencies are those of constraints.txt, as wheels, by whatever index pip is set up for.
    """
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(folder)], check=True)
    wanted = [each for each in project()["dependencies"] if Requirement(each).name != LARGE]
    wheels = ("--only-binary", ":all:", "--no-binary", SOURCE_ONLY)
    pinned = ("-c", str(ROOT / "constraints.txt"))
    into = (*PIP, "--python", str(folder / "bin" / "python"), "install", "--no-compile")
    subprocess.run([*into, *wheels, *pinned, *wanted], check=True)
    _install_alone(folder, built)
    return folder / "bin"


def reaches_an_index() -> bool:
    """Whether pip finds a package: a test that needs others cannot run without."""
    looked = [*PIP, "install", "--no-deps", "--dry-run", "--ignore-installed", "packaging"]
    return subprocess.run(looked, check=False, capture_output=True).returncode == 0


def _install_alone(folder: Path, built: Path) -> None:
    python = str(folder / "bin" / "python")
    install = [*PIP, "--python", python, "install", "--ignore-installed", *ALONE, str(built)]
    subprocess.run(install, check=True)  # whatever the folder that the tests run in holds


def releases() -> tuple[str, ...]:
    """The releases of Python that the package says it was tested with, such as 3.11."""
    said = "Programming Language :: Python :: 3."
    named = (each for each in project()["classifiers"] if each.startswith(said))
    return tuple(each.rpartition(" ")[2] for each in named)


def interpreter(release: str) -> Path | None:
    """A Python of a release on this machine, of pyenv or on the path; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = shutil.which(f"python{release}")
    places = [*pyenv.glob(f"versions/{release}.*/bin/python"), *([Path(named)] if named else [])]
    return next((python for python in places if _release(python) == release), None)


def _release(python: Path) -> str | None:
    """The release of an interpreter that can make environments; None for another."""
    code = "import sys, venv; print('{}.{}'.format(*sys.version_info))"
    done = subprocess.run([python, "-c", code], check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None
