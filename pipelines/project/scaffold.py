"""An empty project: settings without a data set, stages, git and DVC, and a key to sign with.

Nothing that is there is overwritten: a file that exists stays, and the files of patterns that git
and DVC ignore get the lines that they lack. A folder that is a project already is refused.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import files
from pipelines.common import signing
from pipelines.common.errors import ProjectError
from pipelines.rounds import trust

TEMPLATES: Final = Path(__file__).parent / "templates"
PIPELINE: Final = "dvc.yaml"
WRITTEN: Final = {
    "params.yaml": "params.yaml",
    PIPELINE: PIPELINE,
    "README.md": "README.md",
    ".dvc/plots/pass_rates.json": "pass_rates.json",
    ".dvc/plots/page.html": "plots_page.html",
}
"""Template of each file that is written where there is none."""
EXTENDED: Final = {".gitignore": "gitignore", ".dvcignore": "dvcignore"}
"""Template of each file that gets the lines which it lacks."""
FOLDERS: Final = ("expectations/suites",)
SETTINGS: Final = "dvc_config"
"""Template of the settings of DVC, in place of the empty ones that it makes."""
KEPT: Final = ".gitkeep"
"""What makes git track an empty folder."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of each part of a new project."""

    root: Path
    made: tuple[str, ...]
    extended: tuple[str, ...]
    """Files that were there and got lines."""
    kept: tuple[str, ...]
    """What was there and stays as it is."""
    key: str
    """Short name of the key that signs."""


def create(root: Path) -> Made:
    """Make a project of a folder, which is made if it is not there.

    Raises:
        ProjectError: The folder is a project already, or holds another DVC pipeline; or it cannot
            be written; or git or DVC refuse.
        SigningError: The person's key cannot be read or made.
    """
    _refuse(root)
    signer = signing.signer()
    try:
        root.mkdir(parents=True, exist_ok=True)
        made, kept = _version_control(root)
        extended: list[str] = []
        for name, template in EXTENDED.items():
            before = (root / name).exists()
            if _extend(root / name, TEMPLATES / template):
                (extended if before and name not in made else made).append(name)
        for name, template in WRITTEN.items():
            (made if _write(root, name, template) else kept).append(name)
        for name in FOLDERS:
            (made if _folder(root / name) else kept).append(f"{name}/")
        with contextlib.chdir(root):
            (made if trust.note_key(signer) else kept).append(f"{trust.FOLDER}/")
    except OSError as error:
        raise ProjectError(
            f"{error.filename or root} cannot be written: {error.strerror}"
        ) from error
    return Made(root, tuple(dict.fromkeys(made)), tuple(extended), tuple(kept), signer.name)


def _refuse(root: Path) -> None:
    """Refuse a folder that is a project, or whose pipeline is another one."""
    if (root / "params.yaml").exists() and (root / PIPELINE).exists():
        raise ProjectError(
            f"{root.resolve()} is a project already, and nothing was changed; `stemma status` "
            "there says what it holds, `stemma dataset add NAME SOURCE` adds a data set"
        )
    for name in ("params.yaml", PIPELINE):
        if (root / name).exists():
            raise ProjectError(
                f"{root / name} is there already, and Stemma needs one of its own; make the "
                "project in a folder of its own, such as `stemma init data`"
            )
    if root.exists() and not root.is_dir():
        raise ProjectError(f"{root} is a file; name a folder")


def _version_control(root: Path) -> tuple[list[str], list[str]]:
    """Set up git and DVC where they are not; return what was made and what was there."""
    made: list[str] = []
    kept: list[str] = []
    if shutil.which("git") is None:
        raise ProjectError("git is not installed, and DVC needs it; install the package git")
    top = _git_root(root)
    if top is None:
        _run(root, "git", "init", "--quiet")
        top = root.resolve()
        made.append(".git/")
    else:
        kept.append(f"the git repository {top}")
    if (root / ".dvc").is_dir():
        kept.append(".dvc/")
        return made, kept
    inside = [] if top == root.resolve() else ["--subdir"]
    before = {name for name in EXTENDED if (root / name).exists()}
    _run(root, sys.executable, "-m", "dvc", "init", "--quiet", *inside)
    files.write_text(root / ".dvc" / "config", files.read_text(TEMPLATES / SETTINGS))
    made += [".dvc/", *(name for name in EXTENDED if name not in before)]
    return made, kept


def _git_root(root: Path) -> Path | None:
    """The top of the git repository that a folder is in; None if it is in none."""
    done = subprocess.run(  # noqa: S603  without any input
        ["git", "-C", str(root), "rev-parse", "--show-toplevel"],  # noqa: S607  found on PATH
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(done.stdout.removesuffix("\n")) if done.returncode == 0 else None


def _run(root: Path, *command: str) -> None:
    """Run a program in the project's folder.

    Raises:
        ProjectError: It fails; the message holds what it said last.
    """
    env = {**os.environ, "DVC_NO_ANALYTICS": "true"}
    done = subprocess.run(  # noqa: S603  without any input
        command, cwd=root, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        name = "dvc" if command[0] == sys.executable else command[0]
        raise ProjectError(f"{name} could not be set up in {root}: {said[-1] if said else name}")


def _write(root: Path, name: str, template: str) -> bool:
    """Write a file from its template unless there is one."""
    path = root / name
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    text = files.read_text(TEMPLATES / template)
    files.write_text(path, text.replace("# NAME", f"# {root.resolve().name}", 1))
    return True


def _extend(path: Path, template: Path) -> bool:
    """Append the lines of a template that a file lacks."""
    wanted = files.read_text(template).splitlines()
    before = files.read_text(path) if path.exists() else ""
    lacking = [line for line in wanted if line not in before.splitlines()]
    if lacking:
        separator = "" if not before or before.endswith("\n") else "\n"
        files.write_text(path, before + separator + "\n".join(lacking) + "\n")
    return bool(lacking)


def _folder(path: Path) -> bool:
    """Make a folder that git tracks, unless it is there."""
    if path.is_dir():
        return False
    path.mkdir(parents=True)
    files.write_text(path / KEPT, "")
    return True
