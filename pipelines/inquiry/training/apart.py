"""Runs a module in a process of its own that is in a project's directory, and takes its answer."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Any, Final

from pipelines.common.errors import DataError
from pipelines.inquiry.training.data import TrainingData

CODE: Final = """
import json, runpy, sys
sys.path[:] = json.loads(sys.argv.pop(1))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def training_data(module: str, project: Path, request: dict[str, Any]) -> TrainingData:
    """Have a module load training data in a project's directory.

    Args:
        module: a module that takes a request as JSON and a folder, and leaves `answer.pickle`
            there: training data, or the error that it ended in.
        project: the project's directory.
        request: what to load.

    Returns:
        The data; files that were fetched for it go with it.

    Raises:
        DataError: the process ended without an answer.
        Exception: whatever error the module answers with.
    """
    folder = tempfile.mkdtemp(prefix="stemma-training-")
    try:
        found = _answer(module, project, request, Path(folder))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(found._files, _remove, folder, os.getpid())  # noqa: SLF001  of this package
    return found


def _answer(module: str, project: Path, request: dict[str, Any], folder: Path) -> TrainingData:
    paths = [str(Path(each).resolve()) for each in sys.path]
    command = [sys.executable, "-P", "-c", CODE, json.dumps(paths), module, json.dumps(request)]
    done = subprocess.run([*command, str(folder)], cwd=project, check=False)  # noqa: S603  Python itself
    file = folder / "answer.pickle"
    if done.returncode or not file.is_file():
        raise DataError(
            f"the process that loads from {project} ended with exit code {done.returncode}; what "
            "it wrote says why"
        )
    found = pickle.loads(file.read_bytes())  # noqa: S301  of a process of ours, in a private folder
    file.unlink()
    if isinstance(found, TrainingData):
        return found
    raise found


def _remove(folder: str, owner: int) -> None:
    """Remove the folder, unless this is a fork of the process that made it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
