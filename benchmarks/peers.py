"""The peers: cp, md5sum and `dvc add` on the same files, each as its users run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measured import Taken, measured


def copied(folder: Path, scratch: Path) -> Taken:
    """Time `cp -r`, which leaves the bytes in memory for the system to write later."""
    target = scratch / "copied"
    with measured() as taken:
        subprocess.run(["cp", "-r", str(folder), str(target)], check=True)
    shutil.rmtree(target)
    return taken


def synced(folder: Path, scratch: Path) -> Taken:
    """Time `cp -r` and the bytes' way to disk, which the lake waits for."""
    target = scratch / "synced"
    with measured() as taken:
        subprocess.run(["cp", "-r", str(folder), str(target)], check=True)
        os.sync()
    shutil.rmtree(target)
    return taken


def hashed(folder: Path) -> tuple[Taken, dict[str, str]]:
    """Time `md5sum`; return each file's digest too."""
    names = sorted(file.name for file in folder.iterdir())
    with measured() as taken:
        said = subprocess.run(
            ["md5sum", "--", *names], cwd=folder, check=True, capture_output=True, text=True
        )
    lines = (line.partition("  ") for line in said.stdout.splitlines())
    return taken, {name: digest for digest, _, name in lines}


def added(folder: Path, scratch: Path) -> Taken:
    """Time `dvc add` of a folder in a new repository that remembers no hashes."""
    repository = scratch / "dvc"
    repository.mkdir()
    env = {
        **os.environ,
        "DVC_NO_ANALYTICS": "true",
        "DVC_SITE_CACHE_DIR": str(repository / "site"),
    }
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--quiet", "--no-scm"], cwd=repository, env=env, check=True)
    shutil.copytree(folder, repository / "data")
    with measured() as taken:
        subprocess.run([*dvc, "add", "--quiet", "data"], cwd=repository, env=env, check=True)
    shutil.rmtree(repository)
    return taken
