"""The benchmark of large rounds runs every stage, and says what each took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from benchmarks.scale import rows
from pipelines.features import images

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.bench
def test_every_stage_of_a_round_is_measured() -> None:
    words = ["--rows", "60", "--real", "200", "--only", "texts", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["rows"]
    stages = ["ingest", "fit", "generate", "verify", "curate", "evaluate", "publish"]
    assert [row["stage"] for row in found] == stages
    assert all(row["cpu"] > 0 and 20 < row["peak_mib"] < 4096 for row in found)
    assert {(row["executor"], row["workers"]) for row in found} == {("local", 1)}


@pytest.mark.parametrize("kind", rows.KINDS)
def test_a_row_follows_from_its_number(kind: str) -> None:
    make, border = rows.KINDS[kind], rows.BLOCK
    whole = make(range(border - 3, border + 3))
    parts = [make(range(border - 3, border - 1)), make(range(border - 1, border + 3))]
    assert pl.concat(parts).equals(whole)
    assert whole.n_unique() == 6
    if kind == "texts":
        assert whole["text"].str.len_bytes().to_list() == [rows.BYTES] * 6
    else:
        assert images.decode(whole["image"]).shape == (6, rows.SIDE, rows.SIDE)
