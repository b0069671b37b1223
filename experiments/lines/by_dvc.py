"""The same line by `dvc exp run` in a project by `stemma init`: each stage is a program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from experiments.lines import following, project
from experiments.lines.following import Followed
from experiments.lines.project import Regime
from experiments.lines.worlds import ROOT, World
from pipelines.common.errors import ProjectError
from pipelines.params import FILE
from pipelines.project import scaffold

PERSON: Final = {"NAME": "a line", "EMAIL": "line@example.org"}


def follow(world: World, regime: Regime, seed: int, rounds: int) -> Iterator[Followed]:
    """Run a line by `dvc exp run` in a project that is made in the current folder.

    Args and what is yielded are those of `experiments.lines.following.follow`.
    """
    name = world.data.name
    with following.quiet():
        scaffold.create(Path())
    project.write(world, project.MAIN, seed, rounds)
    _commit("real rows")
    _run("dvc", "repro", f"ingest@{name}")
    project.write_suite(world, regime)
    _commit("the suite of the line")
    settings = (f"line={regime.line}", f"datasets.{name}.fit.regime={regime.mix}")
    changes = [word for each in settings for word in ("-S", each)]
    _run("dvc", "exp", "run", "-n", regime.line, *changes, f"report@{name}")
    for number in range(1, rounds + 1):
        yield following.look(world, number)


def _commit(message: str) -> None:
    _run("git", "add", "-A")
    _run("git", "commit", "-q", "-m", message)


def _run(*words: str) -> None:
    """Run a program of this environment in the current folder.

    Raises:
        ProjectError: it fails; the message holds what it said last.
    """
    person = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in PERSON.items()
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603  words of this module
        words,
        env={**os.environ, **person, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise ProjectError(f"{' '.join(words[:3])} failed beside {FILE}: {said}")
