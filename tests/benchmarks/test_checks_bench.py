"""Runs that optional checks are counted on: one small line, and the table of several."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import checks
from benchmarks.checks import Judgement
from benchmarks.optional import lines, runs
from benchmarks.optional.runs import BAD, HEALTHY, Data
from pipelines.rounds.guard_checks import CHECKS


def test_every_check_has_a_bad_run_and_runs_have_names_of_their_own() -> None:
    assert {check for run in BAD for check in run.for_checks} == set(CHECKS.names())
    names = [run.name for run in (*HEALTHY, *BAD)]
    assert len(names) == len(set(names))


@pytest.mark.bench
def test_small_rounds_that_replace_are_warned_of_and_broken_rows_are_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, named = Data.of("images", 4), {run.name: run for run in BAD}
    *_, small = named["small rounds that replace"].make(data)
    found = dict(lines.judged(small, {}))
    assert found["drift_budget"].value == pytest.approx((1 - 1 / runs.FEW) ** runs.SMALL_ROUNDS)
    assert found["drift_budget"].verdict == "warn"
    *_, broken = named["a half broken up"].make(data)
    found = dict(lines.judged(broken, {}))
    assert [found[f"clipped_{name}"].verdict for name in ("density", "coverage")] == ["warn"] * 2
    assert found["training_distance"].verdict == "pass"
    assert found["drift_budget"].verdict == "not applicable"


def test_the_table_counts_warnings_of_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    healthy, bad = HEALTHY[0].name, "a half copies"
    found = [
        Judgement("images", seed, run, "training_distance", value, verdict)
        for seed, run, value, verdict in (
            (0, healthy, 0.9, "pass"),
            (1, healthy, 0.7, "warn"),
            (2, healthy, None, "not measured"),
            (0, bad, 0.5, "warn"),
        )
    ]
    place = tmp_path / "found.jsonl"
    place.write_text("\n".join(json.dumps(asdict(each)) for each in found))
    checks.main(["--from", str(place)])
    shown = [line for line in capsys.readouterr().out.splitlines() if "training_distance" in line]
    none = " | ".join(["–"] * (len(HEALTHY) - 1))
    cells = f"1 of 2 (0.70 to 0.90) | {none} | {bad}: 1 of 1 (0.50 to 0.50)"
    assert shown == [f"| `training_distance` | images | {cells} |"]
