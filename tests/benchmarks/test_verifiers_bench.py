from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from benchmarks.verifiers import __main__ as command
from benchmarks.verifiers import measure
from benchmarks.verifiers.measure import Kept, Passed
from expectations import custom
from pipelines.scorers import registry

ROOT = Path(__file__).resolve().parents[2]
RULES = {(case.data, rule.name): rule for case in measure.ROW_CASES for rule in case.rules}
SLACK = 0.1
"""Of limits, with few rows."""


@pytest.fixture(scope="module")
def rows() -> list[Kept]:
    found, left_out = measure.rows(measure.ROW_CASES, 40, 1)
    isolated = shutil.which("bwrap") is not None or bool(os.environ.get("STEMMA_REQUIRE_SANDBOX"))
    assert not left_out or not isolated
    return found


@pytest.fixture(scope="module")
def batches() -> list[Passed]:
    return measure.tables(measure.TABLE_CASES, 300, range(2))


def test_every_scorer_and_every_expectation_is_in_the_plan() -> None:
    asked = {name for case in measure.ROW_CASES for name in case.scorers}
    judged = {rule.scorer for rule in RULES.values() if rule.scorer}
    assert asked == judged == set(registry.names())
    types = {rule.type for rule in RULES.values()} | {case.type for case in measure.TABLE_CASES}
    assert set(custom.TYPES) <= types


def test_every_planted_kind_is_refused(rows: list[Kept]) -> None:
    meant = [each for each in rows if each.meant == "refuses"]
    assert meant
    for each in meant:
        least, most = RULES[each.data, each.rule].limits
        assert each.right_kept / each.right >= least - SLACK, each
        assert each.planted_kept / each.planted <= most + SLACK, each
        assert each.right_kept / each.right > each.planted_kept / each.planted, each


def test_each_kind_in_the_plan_is_planted(rows: list[Kept]) -> None:
    there = {(each.data, each.rule, each.kind) for each in rows}
    data = {each.data for each in rows}
    for (name, rule), seen in RULES.items():
        if name in data:
            assert {(name, rule, kind) for kind in (*seen.kinds, *seen.misses)} <= there


def test_what_rules_are_blind_to_is_said(rows: list[Kept]) -> None:
    blind = [each for each in rows if each.meant == "misses"]
    assert {each.scorer for each in blind} >= {"toxicity", "personal_data", "text_duplicates"}
    assert all(each.planted_kept / each.planted > 0.4 for each in blind)


def test_planted_batches_fail_and_right_ones_pass(batches: list[Passed]) -> None:
    for each in batches:
        assert each.right_passed > 0, each
        assert (each.planted_passed == 0) != each.blind, each


def test_the_table_and_the_docs_name_every_rule(rows: list[Kept], batches: list[Passed]) -> None:
    table = command.table(rows, batches, ["programs: cannot isolate"])
    docs = (ROOT / "docs" / "verifiers.md").read_text(encoding="utf-8")
    for each in rows:
        if each.meant:
            named = f"{each.rule}, {each.scorer}" if each.scorer else f"`{each.type}`"
            line = f"| {each.data} | {named} | {each.kind} | "
            assert line in table
            assert line in docs
    for one in batches:
        assert f"| `{one.type}` | {one.kind}" in docs
    assert "Not judged: programs: cannot isolate" in table
    assert rows[0].record()["phi"]["of"] == rows[0].right
