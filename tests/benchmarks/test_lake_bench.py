"""The benchmark of the lake runs, checks its own results and reports every row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {"cp", "cp, sync", "md5sum", "dvc add"}
ALONE = {
    "commit-500",
    "diff-500",
    "commit-2000",
    "diff-2000",
    "commit-whole",
    "list",
    "list-delimiter",
    "log",
    "objects-commit",
    *(f"objects-list-{state}" for state in ("staged", "committed", "again")),
    "clients",
    *(f"{work}-{clients}" for work in ("upload", "read") for clients in (1, 8, 16)),
}
COMPARED = {"shards", "shards-pair", "shards-http", "small-batch", "small-link", "small-http"}


@pytest.mark.bench
def test_a_quick_run_reports_every_row(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.lake", "--quick", "--json", "--scratch", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"date", "processor", "cores", "python"} <= found.keys()
    rows = {row["key"]: row for row in found["rows"]}
    assert rows.keys() == ALONE | COMPARED
    assert len(found["rows"]) == len(rows)
    assert all(row["taken"]["seconds"] > 0 for row in rows.values())
    assert all(rows[key]["ratios"].keys() == BESIDE for key in COMPARED)
    assert rows["commit-whole"]["count"] == 2000
    assert not list(tmp_path.iterdir())
