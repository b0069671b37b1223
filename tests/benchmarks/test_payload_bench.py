"""The proof of payloads finds what is planted, and its benchmark says what that took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.bench
def test_payloads_are_proved_in_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.payload", "--rows", "500", "2000", "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [(row["kind"], row["rows"]) for row in rows] == [
        ("text", 500),
        ("text", 2000),
        ("image", 500),
        ("image", 2000),
    ]
    assert all(0 < row["peak_mib"] < 200 for row in rows)
    assert all(row["rows_per_second"] > 0 for row in rows)
