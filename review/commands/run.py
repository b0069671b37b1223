"""`stemma run`: run the stages of one data set, and none of another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipelines.common import console
from pipelines.params import load
from pipelines.project.scaffold import PIPELINE
from review.cli.datasets import wanted_dataset
from review.cli.output import print_json
from review.commands import status
from review.errors import ReviewError, UsageError


def run(*, dataset: str, as_json: bool) -> None:
    """Run `dvc repro` for what belongs to the data set, then say what to look at.

    Raises:
        ReviewError: A stage failed; what it said is printed already.
    """
    wanted_dataset(load(), dataset)
    if not Path(PIPELINE).is_file():
        raise UsageError(f"there is no {PIPELINE}; `stemma init` makes a project in a new folder")
    target = f"report@{dataset}"
    console.line(f"running `dvc repro {target}`")
    code = _repro(target)
    if code != 0:
        raise ReviewError(
            f"a stage of {dataset} failed, as it says above; `stemma run {dataset}` goes on from "
            "there, and other data sets run without it (`dvc repro -k`)"
        )
    if as_json:
        print_json({"dataset": dataset, "targets": [target], "code": code})
    else:
        status.run(dataset=dataset, next_steps=True, as_json=False)


def _repro(target: str) -> int:
    """Run DVC with the `stemma` command of this environment first on the path."""
    path = os.pathsep.join(
        [str(Path(sys.argv[0]).resolve().parent), _programs(), os.environ["PATH"]]
    )
    env = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "true", "GX_ANALYTICS_ENABLED": "false"}
    done = subprocess.run(  # noqa: S603  without any input
        [sys.executable, "-m", "dvc", "repro", target], env=env, check=False, stdout=sys.stderr
    )
    return done.returncode


def _programs() -> str:
    """The folder of this Python's programs."""
    return str(Path(sys.executable).parent)
