from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from benchmarks.verifiers import __main__ as command
from benchmarks.verifiers import judged, measure
from benchmarks.verifiers.measure import Kept, Passed
from expectations import custom
from pipelines.llm.settings import BASE_URL
from pipelines.scorers import registry
from tests.needs import SANDBOX

ROOT = Path(__file__).resolve().parents[2]
RULES = {(case.data, rule.name): rule for case in measure.CASES for rule in case.rules}
DOCS = ROOT / "docs" / "verifiers.md"
NOBODY = "http://127.0.0.1:9/v1"
"""Where nothing listens."""
SLACK = 0.1
"""Of limits, with few rows."""


@pytest.fixture(scope="module")
def rows() -> list[Kept]:
    found, left_out = measure.rows(measure.ROW_CASES, 40, 1)
    isolated = not SANDBOX.missing() or SANDBOX.is_required()
    assert not left_out or not isolated
    return found


@pytest.fixture(scope="module")
def batches() -> list[Passed]:
    return measure.tables(measure.TABLE_CASES, 300, range(1))


def test_every_scorer_and_every_expectation_is_in_the_plan() -> None:
    asked = {name for case in measure.CASES for name in case.scorers}
    judged = {rule.scorer for rule in RULES.values() if rule.scorer}
    assert asked == judged == set(registry.SCORERS.names()) - measure.ELSEWHERE
    types = {rule.type for rule in RULES.values()} | {case.type for case in measure.TABLE_CASES}
    assert set(custom.TYPES) <= types


@pytest.mark.bench
def test_every_planted_kind_is_refused(rows: list[Kept]) -> None:
    meant = [each for each in rows if each.meant == "refuses"]
    assert meant
    for each in meant:
        least, most = RULES[each.data, each.rule].limits
        assert each.right_kept / each.right >= least - SLACK, each
        assert each.planted_kept / each.planted <= most + SLACK, each
        assert each.right_kept / each.right > each.planted_kept / each.planted, each


@pytest.mark.bench
def test_each_kind_in_the_plan_is_planted(rows: list[Kept]) -> None:
    there = {(each.data, each.rule, each.kind) for each in rows}
    data = {each.data for each in rows}
    for (name, rule), seen in RULES.items():
        if name in data:
            assert {(name, rule, kind) for kind in (*seen.kinds, *seen.misses)} <= there


@pytest.mark.bench
def test_what_rules_are_blind_to_is_said(rows: list[Kept]) -> None:
    blind = [each for each in rows if each.meant == "misses"]
    assert {each.scorer for each in blind} >= {"toxicity", "personal_data", "text_duplicates"}
    assert all(each.planted_kept / each.planted > 0.4 for each in blind)


def test_of_a_language_model_every_rule_is_in_the_docs() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    lines = [
        f"| {case.data} | {rule.name}, {rule.scorer} | {kind} | "
        for case in measure.MODEL_CASES
        for rule in case.rules
        for kind in (*rule.kinds, *rule.misses)
    ]
    assert lines
    assert all(line in docs for line in lines)


def test_a_judge_is_shown_as_many_right_as_wrong_answers() -> None:
    frames = [judged.make(5, seed).frame for seed in (1, 1, 2)]
    assert frames[0].equals(frames[1])
    assert not frames[0].equals(frames[2])
    questions = frames[0].with_columns(pl.col("text").str.split("\n").list.first())
    right = questions.filter(pl.col("kind").is_null())["text"]
    wrong = questions.filter(pl.col("kind") == "wrong answer")["text"]
    assert right.to_list() == wrong.to_list()
    assert right.n_unique() == 5
    assert len(judged.make(200, 0).frame) == 2 * judged.QUESTIONS


def test_a_judge_that_cannot_be_asked_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(BASE_URL, NOBODY)
    found, left_out = measure.rows(measure.MODEL_CASES, 2, 0)
    assert not found
    assert len(left_out) == len(measure.MODEL_CASES)
    assert all(each.startswith("trivia: ") and NOBODY in each for each in left_out)
    assert f"Not judged: {left_out[0]}" in command.table([], [], left_out)


@pytest.mark.bench
def test_planted_batches_fail_and_right_ones_pass(batches: list[Passed]) -> None:
    assert len(batches) >= len(measure.TABLE_CASES)
    for each in batches:
        assert each.right_passed > 0, each
        assert (each.planted_passed == 0) != each.blind, each


@pytest.mark.bench
def test_the_table_and_the_docs_name_every_rule(rows: list[Kept], batches: list[Passed]) -> None:
    table = command.table(rows, batches, ["programs: cannot isolate"])
    docs = DOCS.read_text(encoding="utf-8")
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
