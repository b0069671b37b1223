"""A project that asks what its suite does to rare rows: metric, check, and what the guard says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.rounds import manifest
from tests.flow.projects import Project, tiny_round

KNOWN = {
    "type": "expect_column_values_to_not_be_null",
    "kwargs": {"column": "candidate_distance"},
    "severity": "critical",
    "meta": {"name": "others_are_known"},
}
NEAR_OTHERS = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "candidate_distance", "max_value": 0.064},
    "severity": "critical",
    "meta": {"name": "near_others"},
}
"""Refuses half of the candidates: those that are like no other one."""


def ask(params: dict[str, Any]) -> None:
    tiny = params["datasets"]["tiny"]
    tiny["generate"] |= {"candidates": 300, "shard_rows": 300}
    tiny["evaluate"]["metrics"] = {"selection": {}}
    tiny["publish"]["checks"] = {"selection_tail": {"warn": 0.9}}
    params["rounds"] = {"tiny-1": {**tiny_round(1), "generator": "augment"}}


def test_the_guard_warns_of_a_suite_that_refuses_rare_candidates(empty: Project) -> None:
    place = empty.root / "expectations" / "suites" / "tiny.json"
    suite = json.loads(place.read_text())
    suite["expectations"].extend([KNOWN, NEAR_OTHERS])
    place.write_text(json.dumps(suite))
    empty.edit(ask)
    empty.all(1)
    about = manifest.read(empty.lake(), "tiny-r001", "tiny", 1)
    figure = about["metrics"]["round"]["selection_tail"]
    assert about["counts"]["candidates"] == 300
    assert 0 < about["counts"]["accepted"] < 200
    assert len(figure["acceptance"]) == 10
    assert figure["acceptance"][-1] < min(figure["acceptance"][:5])
    check = {each["name"]: each for each in about["guard"]["checks"]}["selection_tail"]
    assert check["value"] == pytest.approx(figure["value"])
    assert check["limit"] == "warn <0.9"
    assert check["verdict"] == "warn"
    assert "acceptance from the most common tenth to the rarest" in check["evidence"]
    assert "selection_tail" in empty.stemma("guard", "tiny-r001").out
