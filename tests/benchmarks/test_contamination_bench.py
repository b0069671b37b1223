"""Lineage finds what was rewritten, where content alone does not; the guard blocks and names it."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks import contamination
from benchmarks.contamination import LINEAGE

BASELINES = {
    "text": {"one 13-gram (GPT-3)", "70% of the 8-grams (PaLM)", "one 8-gram"},
    "images": {"RMS distance ≤ 0.06"},
}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(each, marks=() if each == "text" else pytest.mark.bench) for each in BASELINES],
)
def test_the_goal_is_met_through_the_real_guard(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["contamination", "--quick", "--json", "--only", kind])
    contamination.main()
    found = json.loads(capsys.readouterr().out)
    methods = {(each["generation"], each["method"]): each for each in found["rows"]}
    assert methods.keys() == {
        (generation, method) for generation in (1, 2, 3) for method in (*BASELINES[kind], LINEAGE)
    }
    for (generation, method), each in methods.items():
        if method == LINEAGE:
            assert each["recall"]["value"] >= 0.95
            assert each["false_positives"]["value"] <= 0.01
        elif generation > 1:
            assert each["recall"]["value"] <= 0.5
    planted, clean = found["guard"]
    assert planted["planted"]
    assert planted["right"]
    assert planted["check"]["name"] == "holdout_ancestry"
    assert planted["check"]["verdict"] == "block"
    assert "descended from held-out rows: " in planted["check"]["evidence"]
    assert (clean["planted"], clean["check"]["verdict"], clean["check"]["value"]) == (
        False,
        "pass",
        0.0,
    )
