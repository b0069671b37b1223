"""The guard on lines of real digits: silent while they accumulate, loud when they replace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = "--seeds 1 --rounds 2 --candidates 600"
SHAPE = {"recall_mix", "variance_mix", "coverage_mix"}


@pytest.mark.bench
def test_the_guard_is_silent_and_loud_where_it_should() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.guard", *SMALL.split(), "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["summary"].startswith("false alarms 0/1; alarms in time 1/1 ")
    lines = found["lines"]
    assert [(each["regime"], each["seed"]) for each in lines] == [
        ("accumulate", 0),
        ("replace", 0),
        ("accumulate-subsample", 0),
    ]
    for each in lines:
        last = each["rounds"][-1]
        assert last["round"] == len(each["rounds"]) == 2
        unknown = [name for name, value in last["values"].items() if value is None]
        # There is no suite here, and no source that has a licence.
        assert set(unknown) == {"verifier_calibration", "warned_rows", "licence_missing"}
        if each["regime"] == "accumulate":
            assert each["alarm"] is None
            assert last["lost"] < 0.01
            assert last["apart"] is None
        elif each["regime"] == "accumulate-subsample":
            assert -0.05 < last["apart"] < 0.05
            lost = [seen["apart"] >= 0.01 - 1e-9 for seen in each["rounds"]]
            assert each["drop"] == (lost.index(True) + 1 if any(lost) else None)
        else:
            assert each["alarm"] <= 2
            assert {"real_share", "real_inputs"} <= set(last["blocking"])
            assert SHAPE & set(last["blocking"])
            assert last["lost"] > 0
