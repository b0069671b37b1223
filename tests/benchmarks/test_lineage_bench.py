"""The benchmark of lineage: every engine agrees with ours, and one that does not is caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.lineage import compare, floor, streamed
from benchmarks.lineage.engine import DERIVED
from benchmarks.lineage.generate import generate
from benchmarks.lineage.measure import ALWAYS, PEERS, SMALL, Timing, hired
from benchmarks.lineage.plan import Work, starts, works
from benchmarks.lineage.world import DATASET, World
from lineage import edges, record, schema

ROOT = Path(__file__).resolve().parents[2]
OURS_ALONE = {"extend-first", "extend-last", "open"}
EVERYONE = {"derive", "descendants"}
PLANTED = """
import time

from benchmarks.lineage.arrays import Arrays


class Wrong(Arrays):
    def derive(self):
        reader = super().derive()

        def read():
            found = reader()
            found["depth_mean"][-1] += 1e-6
            return found

        return read


class Slow(Arrays):
    def derive(self):
        time.sleep(60)


class Broken(Arrays):
    def derive(self):
        raise ValueError("no lineage here")
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return generate(tmp_path_factory.mktemp("made") / "world", rounds=7, rows=60)


def test_every_engine_agrees_with_ours(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.lineage", "--json", "--scratch", str(tmp_path)]
    done = subprocess.run(
        [*command, "--rounds", "7", "--rows", "300", "--repeats", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    large, small = json.loads(done.stdout)["parts"]
    for part, peers in ((large, PEERS), (small, SMALL)):
        for key, work in part["works"].items():
            engines = {each["engine"]: each for each in work["engines"]}
            assert [each["remark"] for each in engines.values()] == [""] * len(engines), key
            assert all(each["median"] >= each["minimum"] > 0 for each in engines.values())
            assert engines.keys() <= {*ALWAYS, *peers}
            assert key not in OURS_ALONE or engines.keys() == {"stemma"}
            assert key not in EVERYONE or engines.keys() == {*ALWAYS, *peers}
    assert {goal["work"] for goal in large["goals"]} == {
        *("derive", "descendants", "ancestors", "open", "extend-last")
    }
    assert not list(tmp_path.iterdir())
