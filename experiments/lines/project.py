"""A project of one data set in a folder of its own, with its own lake, key and settings."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from expectations import suite as suites
from experiments.lines.worlds import SOURCE, World
from lake import files, polling, refs
from lake.home import LakeHome
from pipelines import params
from pipelines.project.dataset_entry import STAGES

PLUGINS: Final = Path(__file__).with_name("plugins")
OTHERS: Final = ("LAKECTL_", "STEMMA_", "DVC_")
"""Beginnings of variables that say which lake and which key; those of the caller do not count."""
STOP_TIMEOUT: Final = 20.0
"""Seconds in which a lake's server ends."""


@dataclass(frozen=True, slots=True)
class Regime:
    """What the next mix holds, and whether the suite's verdicts count."""

    line: str
    """Its name in params.yaml."""
    mix: str
    """As `fit.regime` has it."""
    verified: bool = False


MAIN: Final = Regime(refs.MAIN, "accumulate", verified=True)
"""What publishes real data, before a line goes its own way."""


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[None]:
    """Work in a folder, with a signing key of its own and without the caller's settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    own |= {"XDG_CONFIG_HOME": str(folder / "config"), "DVC_NO_ANALYTICS": "true"}
    before = dict(os.environ)
    with contextlib.chdir(folder):
        os.environ.clear()
        os.environ.update(own)
        try:
            yield
        finally:
            stop_lake(folder)
            os.environ.clear()
            os.environ.update(before)


def write(world: World, regime: Regime, seed: int, rounds: int) -> None:
    """Write what a user's project holds into the current folder.

    Args:
        world: the data set.
        regime: of the line, or `MAIN`.
        seed: of all draws.
        rounds: how many.
    """
    name = world.data.name
    world.source.write_parquet(SOURCE)
    Path("plugins").mkdir(exist_ok=True)
    for module in world.data.plugins:
        shutil.copy2(PLUGINS / f"{module}.py", Path("plugins") / f"{module}.py")
    write_suite(world, regime)
    entry = {**world.entry, "fit": {**world.entry["fit"], "regime": regime.mix}}
    content = {
        "line": regime.line,
        "seed": seed,
        "datasets": {name: entry},
        "rounds": {
            f"{name}-{number}": {
                "dataset": name,
                "round": number,
                "previous": number - 1,
                "generator": world.data.generator,
                **{stage: {} for stage in STAGES},
            }
            for number in range(1, rounds + 1)
        },
    }
    files.write_text(Path(params.FILE), yaml.safe_dump(content, sort_keys=False))


def write_suite(world: World, regime: Regime) -> None:
    """Write the suite as a regime has it."""
    place = suites.place(world.data.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(place, json.dumps(suite_of(world.suite, verified=regime.verified), indent=2))


def suite_of(suite: Mapping[str, Any], *, verified: bool) -> dict[str, Any]:
    """Write a suite for a line: what is about a round as a whole only warns, so the line goes on.

    Args:
        suite: the content of its file.
        verified: whether verdicts on rows count; where they do not, each of them is a warning.
    """
    expectations = [
        each
        if verified and each["type"].startswith("expect_column_") and not _is_of_round(each)
        else {**each, "severity": "warning"}
        for each in suite["expectations"]
    ]
    return {**suite, "expectations": expectations}


def _is_of_round(expectation: Mapping[str, Any]) -> bool:
    """Tell whether an expectation is about the round as a whole."""
    return "_column_values_" not in expectation["type"] and "_pair_" not in expectation["type"]


def stop_lake(folder: Path) -> None:
    """End the server of a folder's lake, if one serves it."""
    serving = LakeHome(folder / ".lake").serving()
    if serving is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(serving.pid, signal.SIGTERM)
    home = LakeHome(folder / ".lake")
    polling.until(lambda: home.serving() is None, interval=0.05, timeout=STOP_TIMEOUT)
