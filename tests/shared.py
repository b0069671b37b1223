"""What is costly to make is made once for all workers of a test run, and copied by each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

WORKERS = "PYTEST_XDIST_WORKER"
"""Environment variable that names the worker, where there are several."""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first test in need of it makes, in a place that all workers share.

    Args:
        factory: temporary folders of this worker.
        name: name of the folder, its own in the whole test run.
        make: fills the folder, given its path, which is free. What it leaves must lie at rest.

    Returns:
        The folder, which nobody may change.
    """
    base = factory.getbasetemp()
    place = (base.parent if os.environ.get(WORKERS) else base) / f"shared-{name}"
    done = place.with_name(f"{place.name}.done")
    with FileLock(place.with_name(f"{place.name}.lock")):
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            make(place)
            done.touch()
    return place
