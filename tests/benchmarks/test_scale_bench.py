"""The benchmark of large rounds runs every stage, and says what each took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from benchmarks.scale import model_time, peers, rows, watched
from benchmarks.scale.measuring import Place, Row, Work, measure
from pipelines.features import images
from pipelines.generators.registry import GENERATORS

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
    assert all(row["whole_cpu"] > row["cpu"] - 0.2 for row in found)
    assert {(row["executor"], row["workers"]) for row in found} == {("local", 1)}
    assert all(0 <= row["model_cpu"] < row["cpu"] for row in found)


@pytest.mark.bench
def test_a_service_is_asked_and_other_libraries_that_are_missing_are_named() -> None:
    words = ["--rows", "40", "--real", "200", "--only", "asked", "--until", "generate"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", *words, "--json", "--peers", sys.executable],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["stage"] for row in found["rows"]] == ["fit", "generate"]
    missing = "no interpreter of --peers has it"
    assert found["peers"]["left_out"] == {"data_designer": missing, "datatrove": missing}
    kept = {row["work"]: row["kept"] for row in found["peers"]["rows"]}
    assert kept == {"texts of a file, filtered": 40, "texts of a service, checked": 40}


@pytest.mark.bench
def test_stages_run_on_an_executor_besides() -> None:
    work = Work("texts", 60, 200, place=Place.of("processes/2"))
    (row,) = measure(work, ["generate"])
    assert (row.executor, row.workers, row.model_cpu) == ("processes", 2, None)
    assert row.all_mib > row.peak_mib > 20


def test_an_executor_is_named_with_its_workers() -> None:
    assert Place.of("ray/2") == Place("ray", 2)
    for wrong in ("ray", "ray/", "ray/0", "slurm/2", "ray/-1"):
        with pytest.raises(ArgumentTypeError, match="no executor with workers"):
            Place.of(wrong)


def test_what_a_process_starts_is_seen_although_nobody_waits_for_it(tmp_path: Path) -> None:
    held = "import time; held = bytearray(64 << 20); sum(range(5_000_000)); print(1); time.sleep(2)"
    start = (
        "import subprocess as s, sys, time; "
        f"child = s.Popen([sys.executable, '-u', '-c', {held!r}], stdout=s.PIPE); "
        "child.stdout.readline(); time.sleep(0.5); print('done')"
    )
    found = watched.run([sys.executable, "-c", start], tmp_path, os.environ)
    assert (found.returncode, found.out.strip()) == (0, "done")
    assert 64 << 20 < found.peak_each < found.peak_all
    assert 0 < found.cpu < 5


def test_the_share_that_is_ours_leaves_the_model_out() -> None:
    row = Row("texts", 10, "fit", "local", 1, 1.0, 4.0, 1.0, 1.0, 1.0, 1.0)
    assert row.ours == 0.75
    assert replace(row, kind="asked").ours == 0.8  # a service's seconds are not among ours
    assert replace(row, model_cpu=None).ours is None


def test_a_generator_is_timed_where_a_stage_loads_it(tmp_path: Path) -> None:
    with model_time.watched() as model:
        made = GENERATORS.load("real")
        made.fit(pl.DataFrame(), made.FitSettings(), 0, tmp_path)
    assert model.cpu > 0
    assert "fit" not in vars(GENERATORS.load("real"))


def test_one_of_fifty_candidates_is_a_copy() -> None:
    made = rows.texts(range(120))
    copied = peers.with_copies(made)["text"]
    same = [at for at in range(120) if copied[at] != made["text"][at]]
    assert same == [49, 99]
    assert [copied[at] for at in same] == [made["text"][48], made["text"][98]]


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
