"""The benchmark of the diff: every engine finds the same, and what is wrong is no time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from benchmarks.diff import world
from benchmarks.diff.engines import ENGINES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("shuffled", [False, True])
def test_engines_agree_with_what_was_edited(tmp_path: Path, *, shuffled: bool) -> None:
    edits = world.files(tmp_path, 20_000, shuffled=shuffled)
    assert min(edits.removed, edits.changed, edits.added) > 0
    pair = tmp_path / "left.parquet", tmp_path / "right.parquet"
    for name in ("stemma", "polars", "duckdb", "pandas"):
        found = ENGINES[name](*pair)
        assert found is not None
        assert world.Edits(**found) == edits, name
    right = pl.read_parquet(pair[1])
    assert (len(right) - edits.added + edits.removed) == 20_000


@pytest.mark.bench
def test_it_runs_and_prints_json() -> None:
    words = ["--quick", "--json", "--only", "scattered", "--only", "files", "--peer", "polars"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.diff", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {row["key"]: row for row in json.loads(done.stdout)["rows"]}
    assert set(rows) == {"scattered", "processor", "files"}
    assert set(rows["scattered"]["peers"]) == {"floor", "polars"}
