"""The benchmark of text runs, checks that both ways do the same, and reports every row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
        assert row["ratio"] == pytest.approx(row["ask_s"] / row["ceiling_s"])
        assert 0 < row["ask_client_ms"] < row["server_ms"]
        assert row["met"] == (row["ratio"] <= 1.05)
