"""What DVC keeps of experiments is of the experiments there are, in a project of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments import registry, running, tracked
from experiments.experiment import (
    Estimate,
    Experiment,
    Finding,
    HeatMap,
    Part,
    Plot,
    SmallMultiples,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "experiments"
KEPT = FOLDER / "results"


def outcome(plot: Plot | HeatMap | SmallMultiples) -> running.Outcome:
    """An experiment of two criteria, one of which holds, and its plot."""
    ours = Estimate(1 / 3, 0.0, 12345678.0)
    findings = [Finding(name, ours, None, "", name == "first") for name in ("first", "second")]
    about = Experiment(
        name="E0",
        version=1,
        title="",
        paper="",
        setup="",
        parts={},
        conclude=lambda parts: findings,  # noqa: ARG005  none
        plot=lambda parts: plot,  # noqa: ARG005  none
    )
    return running.Outcome(about, {"part": Part({})}, findings, 0.0)


def curves(plot: Plot | HeatMap | SmallMultiples) -> list[tuple[Any, ...]]:
    return [tuple(point.values()) for point in tracked.points(outcome(plot))]


def test_figures_are_metrics_with_the_digits_that_count(tmp_path: Path) -> None:
    tracked.write(outcome(Plot("x", "y", {"a": [(0.0, 2 / 3)]})), tmp_path)
    figures = {"value": 0.333333, "low": 0.0, "high": 12345700.0}
    assert json.loads((tmp_path / "metrics" / "E0.json").read_text()) == {
        "criteria": 2,
        "criteria that hold": 1,
        "figures": {"first": figures, "second": figures},
    }
    point = {"panel": "y", "curve": "a", "repeat": 1, "x": 0.0, "y": 0.666667}
    assert json.loads((tmp_path / "plots" / "E0.json").read_text()) == [point]


def test_every_kind_of_plot_is_curves() -> None:
    points = [(0.0, 1.0), (1.0, 2.0)]
    drawn = Plot("x", "error", {"a": points}, {"a": points[:1]})
    assert curves(drawn) == [
        ("error", "a", 1, 0.0, 1.0),
        ("error", "a", 1, 1.0, 2.0),
        ("error", "a (formula)", 1, 0.0, 1.0),
    ]
    cells = [(x, y, 0.5) for y in ("half", "none") for x in ("3", "later")]
    assert curves(HeatMap("x", "y", "recall", cells)) == [
        ("recall", "half", 1, 3.0, 0.5),
        ("recall", "half", 1, 1.0, 0.5),
        ("recall", "none", 1, 3.0, 0.5),
        ("recall", "none", 1, 1.0, 0.5),
    ]
    panels = SmallMultiples("x", {("recall", "digits"): {"replace": [points[:1], points[1:]]}})
    assert curves(panels) == [
        ("recall, digits", "replace", 1, 0.0, 1.0),
        ("recall, digits", "replace", 2, 1.0, 2.0),
    ]


def test_stages_are_the_experiments_with_their_versions() -> None:
    params = yaml.safe_load((FOLDER / "params.yaml").read_text())
    quick: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for name in registry.MODULES:
        about = registry.load(name)
        group = kept if about.long or about.needs else quick
        group[name] = {"version": about.version}
    assert params == {"seed": 0, "quick": quick, "kept": kept}


def test_every_stage_was_run_with_the_parameters_that_are_committed() -> None:
    params = yaml.safe_load((FOLDER / "params.yaml").read_text())
    lock = yaml.safe_load((FOLDER / "dvc.lock").read_text())["stages"]
    for group in ("quick", "kept"):
        for name, settings in params[group].items():
            entry = lock.pop(f"{group}@{name}")
            assert entry["params"]["params.yaml"] == {
                f"{group}.{name}.version": settings["version"],
                "seed": params["seed"],
            }
            assert [out["path"] for out in entry["outs"]] == [
                f"metrics/{name}.json",
                f"plots/{name}.json",
            ]
    assert lock == {}


KEPT = [name for name in registry.MODULES if (of := registry.load(name)).long or of.needs]
"""Concluded from kept parts, which costs nothing."""


@pytest.mark.parametrize("name", ["E7", *KEPT])
def test_what_is_committed_is_what_an_experiment_gives(name: str, tmp_path: Path) -> None:
    assert tracked.main([name, "--folder", str(tmp_path)]) == 0
    for kind in ("metrics", "plots"):
        file = Path(kind) / f"{name}.json"
        assert json.loads((tmp_path / file).read_text()) == json.loads((FOLDER / file).read_text())


def test_parts_that_are_not_kept_are_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="E14 has no parts of seed 7 in experiments/results; run"):
        tracked.main(["E14", "--seed", "7", "--folder", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_clone_runs_a_stage_again_and_the_root_does_not_see_it(tmp_path: Path) -> None:
    def run(*command: str, within: str = "experiments") -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=tmp_path / "clone" / within,
            env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    subprocess.run(["git", "clone", "-q", "--shared", ROOT, tmp_path / "clone"], check=True)
    planned = run("dvc", "repro", "--dry")
    assert "quick@E7" in planned
    assert run("dvc", "status", "quick@E7").strip() == "Data and pipelines are up to date."
    run("dvc", "repro", "--force", "--single-item", "quick@E7")
    assert run("git", "status", "--porcelain") == ""
    run("dvc", "exp", "run", "--set-param", "seed=1", "quick@E7")
    found = json.loads((tmp_path / "clone" / "experiments" / "metrics" / "E7.json").read_text())
    committed = json.loads((FOLDER / "metrics" / "E7.json").read_text())
    assert found["figures"] != committed["figures"]
    assert "total variance" in run("dvc", "metrics", "diff", "--json")
    stages = run("dvc", "stage", "list", "--name-only", within=".")
    assert "ingest@digits" in stages
    assert "E7" not in stages
    assert "E7" not in run("dvc", "repro", "--dry", "lake", within=".")
    assert run("git", "for-each-ref", "refs/exps").count("\n") >= 1
