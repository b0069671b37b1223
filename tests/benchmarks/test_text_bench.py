"""The benchmark of text runs, checks that both ways do the same, and reports every row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.text import Turn, _row

ROOT = Path(__file__).resolve().parents[2]


def test_the_ratio_is_the_median_of_turns_that_lie_side_by_side() -> None:
    """A turn in which the machine was busy slows both clients, and is no judgement on one."""
    plain = [Turn(seconds, 0.5, 1.0) for seconds in (1.0, 10.0, 2.0)]
    ours = [Turn(seconds, 0.75, 1.0) for seconds in (1.02, 10.2, 4.0)]
    row = _row(4, 10, plain, ours)
    assert (row.ceiling_s, row.ask_s) == (2.0, 4.0)
    assert row.ratio == pytest.approx(1.02)
    assert row.met
    assert row.cpu_share == pytest.approx(0.25 / 1.5)
    assert not _row(4, 10, plain, [Turn(12.0, 0.75, 1.0)] * 3).met


@pytest.mark.bench
def test_a_quick_run_reports_every_row(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.text", "--requests", "2", "--turns", "1", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["at_once"] for row in found["rows"]] == [1, 4, 16]
    for row in found["rows"]:
        assert row["requests"] == 2
        assert 0 < row["ask_client_ms"] < row["server_ms"]
