"""Projects at work: what a user's folder holds, a data set learned in seconds, a real lake."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.client import Lake
from lake.home import LakeHome
from lake.polling import until
from lineage.limits import Limits
from pipelines import params
from pipelines.rounds import context
from pipelines.stages import runner
from tests import commands
from tests.commands import Finished

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
"""The commands of this environment come first, activated or not."""
FILES = (
    "params.yaml",
    "dvc.yaml",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvc/plots/pass_rates.json",  # a template of plots in dvc.yaml
    ".dvc/plots/page.html",
    ".dvcignore",
    ".gitignore",
)
SUITES = ROOT / "expectations" / "suites"
STAGES = ("fit", "generate", "verify", "curate", "evaluate", "publish")
NO_LIMITS = {
    name: None for name, field in Limits.model_fields.items() if field.default is not None
} | {"unknown": "warn", "real_share_shallow": 0.0, "calibration_missing": "pass", "style": "warn"}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Project:
    """A project directory, which is also the current one."""

    root: Path

    def run(self, name: str, key: str, **flags: bool) -> None:
        """Run a stage in this process."""
        runner.start(name, key or None, **flags)

    def round(self, key: str, *stages: str) -> None:
        """Run all stages of a round, or those named, in this process."""
        for name in stages or STAGES:
            self.run(name, key)

    def all(self, rounds: int) -> None:
        """Run the whole chain in this process."""
        self.run("lake", "")
        self.run("ingest", "tiny")
        for number in range(1, rounds + 1):
            self.round(f"tiny-{number}")

    def lake(self, *, holdout: bool = False) -> Lake:
        """The project's lake."""
        return context.open_lake(params.load(), holdout=holdout)

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change params.yaml."""
        place = self.root / "params.yaml"
        content = yaml.safe_load(place.read_text(encoding="utf-8"))
        change(content)
        place.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def stemma(self, *words: str, env: Mapping[str, str] | None = None) -> Finished:
        """Run the `stemma` command in this process, in this project's directory."""
        with contextlib.chdir(self.root), pytest.MonkeyPatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            return commands.stemma(*words)

    def command(self, *words: str, env: Mapping[str, str] | None = None) -> Finished:
        """Run a program of this project's environment in its directory, with this checkout's code.

        The directory itself holds no code, and a program of it would be found before this one's.
        """
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.root,
            env={**os.environ, "PATH": PATH, "PYTHONPATH": str(ROOT), **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def program(self, *words: str) -> Finished:
        """Run the program that `PATH` finds in the project's directory: a fork, where it says so.

        The fixture `programs` says so (`tests/programs.py`).
        """
        done = subprocess.run(words, cwd=self.root, capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    def stop_lake(self) -> None:
        """End the lake's server, so that its files can be copied or removed."""
        found = LakeHome(self.root / ".lake").endpoint()
        if found is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
        assert until(lambda: not alive(found.pid), interval=0.02, timeout=10)

    def drop_lake(self) -> None:
        """End the lake's server at once, where nobody needs the lake any more."""
        found = LakeHome(self.root / ".lake").serving()
        if found is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)


def copy(source: Path, target: Path) -> Project:
    """A copy of a project whose lake lies at rest."""
    shutil.copytree(source, target, symlinks=True)
    return Project(target)


def content(lake: Lake, ref: str) -> dict[str, list[dict[str, Any]]]:
    """What the tables of `tiny` hold at a ref, by path; lineage without the digest of the mix.

    The mix names the commit that it was taken from, which depends on the time of day.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for item in lake.objects(ref, "tiny/"):
        if item.path.endswith(".parquet"):
            frame = lake.scan(ref, item.path).collect()
            found[item.path] = frame.drop("trained_on", strict=False).to_dicts()
    return found


def checkout(target: Path) -> Project:
    """A user's folder as it is shipped: settings, stages, suites, and what DVC and git ignore.

    The code stays where it is: stages run as `stemma stage`, from this checkout.
    """
    for name in (*FILES, *(str(suite.relative_to(ROOT)) for suite in SUITES.glob("*.json"))):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place)
    return Project(target)


def tiny(target: Path, rounds: int = 2) -> Project:
    """A project whose only data set is `tiny`."""
    project = checkout(target)
    shutil.copy2(HERE / "tiny.py", target / "tiny.py")
    shutil.copy2(HERE / "tiny_suite.json", target / "expectations" / "suites" / "tiny.json")
    (target / "params.yaml").write_text(
        yaml.safe_dump(tiny_params(rounds), sort_keys=False), encoding="utf-8"
    )
    return project


def tiny_params(rounds: int) -> dict[str, Any]:
    """Two classes, a network of a few thousand weights, 24 candidates, a guard without limits."""
    diffusion = {"channels": [8, 16], "steps": 15, "batch": 16, "reference_rows": 100}
    return {
        "line": "main",
        "seed": 1,
        "datasets": {
            "tiny": {
                "identity": ["image"],
                "ingest": {"source": "tiny.py", "near": 0.0},
                "fit": {"diffusion": diffusion},
                "generate": {"candidates": 24, "shard_rows": 10, "diffusion": {"steps": 8}},
                "verify": {},
                "curate": {},
                "evaluate": {"null_draws": 4, "bootstrap": 20},
                "publish": {"guard": NO_LIMITS},
            }
        },
        "rounds": {f"tiny-{number}": tiny_round(number) for number in range(1, rounds + 1)},
    }


def tiny_round(number: int) -> dict[str, Any]:
    """An entry of `rounds`."""
    entry = {"dataset": "tiny", "round": number, "previous": number - 1, "generator": "diffusion"}
    return {**entry, **{name: {} for name in STAGES}}
