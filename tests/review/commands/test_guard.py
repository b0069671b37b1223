"""An answer of an earlier release beside the present one: what is new is no other answer."""

from __future__ import annotations

import dataclasses

from lineage.evidence import Check, Verdict
from lineage.guard import GuardResult
from review.cli.round_refs import RoundRef
from review.commands import guard


def check(name: str, verdict: Verdict, value: float | None = None) -> Check:
    return Check(name, value, "warn >0.1", verdict, "evidence")


def judgement(then: list[Check], now: list[Check]) -> guard.Judgement:
    return guard.Judgement(
        round_ref=RoundRef("rows-v1", "rows", 1, "c" * 64),
        result=GuardResult("rows", 1, tuple(now), "limits"),
        limits="limits of rounds.rows-1 in params.yaml",
        override=None,
        recorded=GuardResult("rows", 1, tuple(then), "limits", "b" * 64),
        problem=None,
        calibration={},
    )


THEN = [check("share", "pass", 0.5), check("verifier_calibration", "pass")]
NOW = [check("share", "pass", 0.5), check("verifier_calibration", "not measured")]


def notes(found: guard.Judgement) -> str:
    return "\n".join(guard._notes(found))


def test_what_was_not_recorded_and_has_no_figure_is_no_difference() -> None:
    found = judgement(THEN, [*NOW, check("rare", "not measured"), check("drop", "not applicable")])
    assert (found.same, found.differing, found.added) == (True, [], ())
    assert notes(found).endswith("the same answer as now")


def test_a_check_that_is_judged_since_is_told_apart() -> None:
    found = judgement(THEN, [*NOW, check("warned_rows", "block", 0.4)])
    assert (found.same, found.differing) == (True, [])
    assert found.to_dict()["added"] == ["warned_rows"]
    assert "the same answer as now\nnew checks since: warned_rows (block)" in notes(found)


def test_other_answers_stay_other_answers() -> None:
    warned = [check("share", "warn", 0.5), NOW[1]]
    moved = [check("share", "pass", 0.6), NOW[1]]
    unmeasured = [check("share", "not measured"), NOW[1]]
    inapplicable = [check("share", "not applicable", 0.5), NOW[1]]
    for now in (warned, moved, unmeasured, inapplicable, NOW[1:]):
        found = judgement(THEN, now)
        assert (found.same, found.differing) == (False, ["share"]), now
    blocked = [check("share", "block"), *THEN[1:]]
    found = judgement(blocked, [check("share", "not measured"), *NOW[1:]])
    assert (found.same, found.differing) == (False, ["share"])


def test_without_a_recorded_answer_nothing_is_compared() -> None:
    found = dataclasses.replace(judgement(THEN, NOW), recorded=None, problem="none")
    assert (found.same, found.added, found.to_dict()["differing"]) == (None, (), [])
