"""Loads a training mix in a process of its own, which is in the project's directory.

`stemma.load(…, project=…)` starts it: a process has one working directory for all of its threads,
so whoever changes it for a moment changes it for everybody. The answer is a file, since foreign
libraries may print.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ANSWER: Final = "answer.pickle"
FETCHED: Final = "files"
"""Folder of parts that are fetched from a lake that is served."""


def answer(request: dict[str, Any], folder: Path) -> None:
    """Load what is asked for and write it, or the error, into a folder.

    Args:
        request: the arguments of `review.notebook.load_ref`, without the project.
        folder: a private folder, which the caller removes.
    """
    from review import notebook  # noqa: PLC0415  its errors are part of the answer

    tempfile.tempdir = str(folder / FETCHED)
    Path(tempfile.tempdir).mkdir()
    found: Any
    try:
        found = notebook.load_ref(**request)
        data = pickle.dumps(found)
    except Exception as error:  # noqa: BLE001  whatever it is, the caller raises it
        data = _pickled(error)
    (folder / ANSWER).write_bytes(data)


def _pickled(error: Exception) -> bytes:
    """An error that can be raised in another process; one that cannot is told by its words."""
    try:
        data = pickle.dumps(error)
        pickle.loads(data)  # noqa: S301  our own
    except Exception:  # noqa: BLE001  a foreign error can fail in any way
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return data


if __name__ == "__main__":
    answer(json.loads(sys.argv[1]), Path(sys.argv[2]))
    sys.stderr.flush()
    os._exit(0)  # what was fetched stays for the caller
