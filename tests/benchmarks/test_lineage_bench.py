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
from benchmarks.lineage.measure import ALWAYS, PEERS, SMALL, Bench, hired
from benchmarks.lineage.plan import starts, works
from benchmarks.lineage.world import DATASET, World
from lineage import edges, record

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


class Absent(Arrays):
    def prepare(self):
        raise ImportError("not installed")


class Broken(Arrays):
    def derive(self):
        raise ValueError("no lineage here")
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return generate(tmp_path_factory.mktemp("made") / "world", rounds=7, rows=60)


@pytest.mark.bench
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
    assert small["works"].keys() == {"build", "ancestors", "descendants", "derive"}
    assert {goal["work"] for goal in large["goals"]} == {
        *("derive", "descendants", "ancestors", "open", "extend-last")
    }
    assert not list(tmp_path.iterdir())


@pytest.mark.bench
def test_a_wrong_a_slow_and_a_broken_engine_are_caught(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted.py").write_text(PLANTED, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    specs = {name: f"planted:{name}" for name in ("Wrong", "Slow", "Broken", "Absent")}
    specs = {"stemma": ALWAYS["stemma"], **specs}
    plan = {work.key: work for work in works(world, 1)}
    with hired(world, tmp_path / "engines", specs, limit=60, repeats=2) as bench:
        bench.workers["Slow"].limit = 0.5
        ours, wrong, slow, broken, absent = bench.measure(plan["derive"])
        after = {timing.engine: timing for timing in bench.measure(plan["descendants"])}
        ownerless = Bench({name: bench.workers[name] for name in ("Slow", "Wrong")}, 1)
        alone = ownerless.measure(plan["descendants"])[-1]
    assert len(ours.runs) == len(after["stemma"].runs) == 2
    assert not ours.wrong
    last = (world.rounds - 1) * world.stride + world.rows - 1
    assert wrong.remark.startswith(
        "differs from ours, so its time does not count: it has depth_mean"
    )
    assert f"at slot {last}, 0 more differ" in wrong.remark
    assert len(after["Wrong"].runs) == 2  # its other results are right
    assert (slow.remark, broken.remark) == ("over 0.5 s", "ValueError: no lineage here")
    assert absent.remark == "could not start: ImportError: not installed"
    assert [each.wrong for each in (wrong, slow, broken, absent)] == [True, False, True, True]
    assert not any(each.runs for each in (wrong, slow, broken, absent, alone))
    assert alone.remark == "not asked: ours gave no result to compare with"
    for name in ("Slow", "Broken"):
        assert after[name].remark == "not asked: it was ended at derivation of the whole lake"
        assert not after[name].runs


def test_results_that_differ_are_told_apart() -> None:
    ours = {"slot": np.array([3.0, 5.0]), "depth_mean": np.array([np.nan, 2.0])}
    assert compare.difference({**ours}, ours) is None
    rounded = {**ours, "depth_mean": np.array([np.nan, 2.0 + 1e-12])}
    assert compare.difference(rounded, ours) is None
    wrong = {**ours, "depth_mean": np.array([1.0, 2.5])}
    assert compare.difference(wrong, ours) == (
        "has depth_mean 1 instead of nan at slot 3, 1 more differ"
    )
    fewer = {name: column[:1] for name, column in ours.items()}
    assert compare.difference(fewer, ours) == "has 1 rows instead of 2"
    assert compare.difference({"slot": ours["slot"]}, ours) is not None


def test_the_made_world_is_as_record_derives_it(world: World) -> None:
    stored = world.lineage(0).collect().with_columns(pl.lit(DATASET).alias("dataset"))
    for number in range(1, world.rounds):
        made = world.lineage(number).collect()
        for opaque in (False, True):
            rows = made.filter(pl.col("trained_on").is_null() == opaque)
            links = rows.select("row", "parents").explode("parents", empty_as_null=False)
            parents = links.select("row", pl.col("parents").struct.unnest().name.map(_parent))
            derived = record.derive(
                rows.select("row", "sample_id", "seed", "shard", "kind"),
                round_number=number,
                dataset=DATASET,
                generator="g",
                attribution="eighths/1",
                mix=None if opaque else world.mix(number),
                parents=parents.select(edges.PARENT.names()),
                stored=stored,
            )
            for name in ("kind", "parents", "trained_on", "depth_min", "depth_max"):
                assert derived[name].equals(rows[name]), name
            for name in DERIVED[:3]:
                assert ((derived[name] - rows[name]).abs() < 1e-6).all()
                assert derived[name].null_count() == rows[name].null_count()
        stored = pl.concat([stored, made.with_columns(pl.lit(DATASET).alias("dataset"))])
    synthetic = stored.filter(pl.col("round") > 0)
    assert all(synthetic[name].n_unique() > 2 for name in DERIVED)
    assert synthetic["depth_mean"].null_count() > 0


def _parent(name: str) -> str:
    return {"row": "parent_row"}.get(name, name)


@pytest.mark.bench
def test_loops_of_numba_find_what_those_of_c_do(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for compiler, name in ((floor.COMPILER, "C loop"), ("no-such-cc", "numba loop")):
        monkeypatch.setattr(floor, "COMPILER", compiler)
        engine = floor.Floor(world, tmp_path)
        engine.prepare()
        assert engine.name.startswith(name)
        real = starts(world)[:5]
        found.append([engine.derive()(), engine.descendants(real)(), engine.indirect(real)()])
    for ours, theirs in zip(*found, strict=True):
        assert compare.difference(theirs, ours) is None
        assert len(ours["slot"]) > 0


@pytest.mark.bench
def test_streamed_steps_say_what_they_took(tmp_path: Path) -> None:
    steps = {step.name: step for step in streamed.run(tmp_path, 4, 50)}
    assert list(steps) == list(streamed.STEPS)
    assert all(step.seconds > 0 and step.peak > 1 << 20 for step in steps.values())
    assert steps["make the world"].facts["samples"] == 200
    assert steps["build the index"].facts["edges"] == 300
    assert steps["build the index"].facts["disk"] > 0
    found = steps["descendants of 1,000 real samples"].facts["descendants"]
    assert found == steps["check them by a scan of the lake"].facts["descendants"] > 0
    assert not list(tmp_path.iterdir())
