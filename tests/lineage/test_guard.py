"""The guard's answer about rounds of digits, sound, collapsing and broken."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from lineage import guard
from lineage.checks import RULES
from lineage.errors import GuardError
from lineage.limits import Limits
from lineage.training_mix import MixManifest
from tests.lineage.digits import HEALTHY, check, contaminated, evidence, hits, measured, verdicts


@pytest.mark.parametrize("number", [1, 2, 3])
def test_accumulate_passes(number: int) -> None:
    result = guard.judge(evidence("accumulate", number), Limits())
    assert not result.blocked, guard.rows(result)
    assert "block" not in verdicts(result).values()


def test_replace_is_blocked_when_its_loop_begins() -> None:
    first, second, third = (
        guard.judge(evidence("replace", number), Limits()) for number in (1, 2, 3)
    )
    assert first.blocking == ("downstream_drop",), guard.rows(first)
    assert verdicts(first)["real_share"] == "warn"
    mild = guard.judge(evidence("replace", 1), Limits(downstream_drop_block=None))
    assert not mild.blocked, guard.rows(mild)
    assert {"real_share", "recall_mix"} <= set(second.blocking)
    assert {"real_share", "recall_round", "recall_mix", "variance_mix"} <= set(third.blocking)
    headline = guard.headline(third)
    assert headline.startswith("guard on round 3 of digits: block (")
    for name in ("real_share", "recall_round", "variance_mix"):
        assert name in headline


def test_every_rule_has_its_own_name() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names)) == len(guard.judge(HEALTHY, Limits()).checks)


BROKEN = {
    "no metrics": replace(HEALTHY, metrics={}),
    "odd metrics": replace(HEALTHY, metrics={"round": 3, "mix": None, "difference": "x"}),
    "no counts": replace(HEALTHY, counts={}),
    "odd counts": replace(HEALTHY, counts={"candidates": 0, "accepted": "x", "duplicate": None}),
    "no rows": replace(HEALTHY, lineage=HEALTHY.lineage.clear()),
    "no columns": replace(HEALTHY, lineage=pl.DataFrame()),
    "odd columns": replace(HEALTHY, lineage=HEALTHY.lineage.with_columns(real_inputs=pl.lit("x"))),
    "nan": replace(HEALTHY, lineage=HEALTHY.lineage.with_columns(real_roots=float("nan"))),
    "nulls": replace(
        HEALTHY, lineage=HEALTHY.lineage.with_columns(real_inputs=pl.lit(None, pl.Float32))
    ),
    "a null": replace(
        HEALTHY,
        lineage=HEALTHY.lineage.with_columns(
            real_roots=pl.when(pl.col("row") > 0).then("real_roots")
        ),
    ),
    "no copies": replace(HEALTHY, copies=pl.DataFrame()),
    "no leaks": replace(HEALTHY, leaks=pl.DataFrame()),
    "odd ancestors": replace(
        contaminated(HEALTHY), held_out_ancestors=pl.DataFrame({"row": ["x"]})
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_evidence_is_unknown_and_never_raises(what: str) -> None:
    strict, mild = (guard.judge(BROKEN[what], Limits(unknown=each)) for each in ("block", "warn"))
    unmeasured = set(strict.not_measured)
    missing = {item.name for item in strict.checks if item.value is None} - unmeasured
    assert missing
    assert set(strict.blocking) == missing - {"depth_max", "real_inputs_low"}  # these only warn
    assert not mild.blocked
    assert all(verdicts(mild)[name] == "warn" for name in missing)
    shown = {row.check for row in guard.rows(strict) if row.value is None}
    assert shown == missing | unmeasured


@pytest.mark.parametrize("end", ["value", "low", "high"])
@pytest.mark.parametrize("odd", [None, float("nan"), float("inf"), "0.9", True])
def test_a_figure_that_is_no_number_is_unknown(end: str, odd: object) -> None:
    found = check(measured("difference", "real_only", **{end: odd}), "downstream_real")  # type: ignore[arg-type]
    assert (found.value, found.verdict) == (None, "block")


def test_a_null_of_nothing_is_unknown() -> None:
    assert check(measured("mix", "recall", null=0.0), "recall_mix").value is None
    assert check(measured("mix", "recall", null=None), "recall_mix").verdict == "block"


def test_what_is_unknown_and_has_no_limit_is_not_measured() -> None:
    about = measured("round", "recall", value=None)
    limits = {"recall_round_warn": None, "recall_round_block": None}
    assert check(about, "recall_round", **limits).verdict == "not measured"
    assert check(about, "recall_round", recall_round_block=None).verdict == "warn"


def test_a_bound_answer_names_its_commit() -> None:
    result = guard.judge(HEALTHY, Limits())
    bound = result.bound_to("abc")
    assert (result.judged, bound.judged) == ("", "abc")
    assert bound.to_dict()["judged"] == "abc"
    assert len({result.digest, bound.digest, result.bound_to("abd").digest}) == 3
    assert bound.digest == guard.judge(HEALTHY, Limits()).bound_to("abc").digest
    assert bound.digest != guard.judge(HEALTHY, Limits(memorised_warn=None)).bound_to("abc").digest


def test_an_override_lifts_the_block_and_hides_nothing() -> None:
    result = guard.judge(evidence("replace", 3), Limits())
    bound = result.bound_to("abc", override=" studied on purpose ")
    assert result.blocked
    assert not bound.blocked
    assert bound.verdict == bound.to_dict()["verdict"] == "override"
    assert bound.override == "studied on purpose"
    assert bound.blocking == result.blocking == tuple(bound.to_dict()["blocking"])
    assert bound.checks == result.checks
    assert guard.headline(bound).endswith("; overridden: studied on purpose")
    assert bound.digest != result.bound_to("abc").digest


@pytest.mark.parametrize("reason", [None, "", "  \n"])
def test_no_reason_is_no_override(reason: str | None) -> None:
    bound = guard.judge(evidence("replace", 3), Limits()).bound_to("abc", override=reason)
    assert bound.blocked
    assert (bound.verdict, bound.override) == ("block", None)


def test_nothing_to_override() -> None:
    bound = guard.judge(HEALTHY, Limits()).bound_to("abc", override="reason")
    assert bound.override is None
    assert bound.verdict in ("pass", "warn")


def test_the_answer_is_json() -> None:
    result = guard.judge(BROKEN["no metrics"], Limits()).bound_to("abc")
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain == result.to_dict()
    assert plain["digest"] == result.digest
    assert [item["name"] for item in plain["checks"]] == [rule.name for rule in RULES]
    assert set(plain["checks"][0]) == {"name", "value", "limit", "verdict", "evidence"}


def test_rows_are_plain_values_of_every_check() -> None:
    about = replace(HEALTHY, leaks=hits(*((row, True) for row in range(9))))
    result = guard.judge(about, Limits())
    rows = guard.rows(result, include_passing=True)
    assert [row.check for row in rows] == [rule.name for rule in RULES]
    (leaked,) = (row for row in rows if row.check == "holdout_equal")
    assert leaked[:4] == ("holdout_equal", 9 / 560, "block", "block >0")
    assert leaked.evidence.startswith("9 of 560 accepted rows are equal to held-out rows")


def test_a_mix_manifest_read_back_judges_the_same() -> None:
    read = MixManifest.model_validate(json.loads(HEALTHY.mix.model_dump_json()))
    same = guard.judge(replace(HEALTHY, mix=read), Limits())
    assert same.digest == guard.judge(HEALTHY, Limits()).digest


def test_rows_leave_out_what_passes() -> None:
    healthy = guard.judge(HEALTHY, Limits())
    passing = {item.name for item in healthy.checks if item.verdict == "pass"}
    assert {row.check for row in guard.rows(healthy)} == {rule.name for rule in RULES} - passing
    about = replace(HEALTHY, leaks=hits(*((row, True) for row in range(9))))
    listed = {row.check for row in guard.rows(guard.judge(about, Limits()))}
    assert "holdout_equal" in listed
    assert "real_share" not in listed


def answers() -> dict[str, guard.GuardResult]:
    """Answers with and without figures, overridden and not, bound and not."""
    blocked = guard.judge(evidence("replace", 3), Limits())
    return {
        "healthy": guard.judge(HEALTHY, Limits()).bound_to("a" * 64),
        "blocked": blocked.bound_to("b" * 64),
        "overridden": blocked.bound_to("c" * 64, override="a trial: „Prüfung“"),
        "unknown": guard.judge(replace(HEALTHY, metrics={}), Limits()),
    }


@pytest.mark.parametrize("name", ["healthy", "blocked", "overridden", "unknown"])
def test_an_answer_reads_back_from_json(name: str) -> None:
    result = answers()[name]
    text = json.dumps(result.to_dict(), indent=2, sort_keys=True)
    found = guard.read(json.loads(text))
    assert found == result
    assert found.digest == result.digest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digest", "0" * 64),
        ("verdict", "pass"),
        ("blocking", []),
        ("override", "a reason"),
        ("judged", "d" * 64),
        ("limits", ""),
        ("round", 4),
        ("dataset", "letters"),
        ("checks", []),
        ("more", "of it"),
    ],
)
def test_an_altered_answer_does_not_read_back(name: str, value: object) -> None:
    content = json.loads(json.dumps(answers()["blocked"].to_dict()))
    with pytest.raises(GuardError, match="was altered"):
        guard.read({**content, name: value})
    content["checks"][0]["value"] = 0.5
    with pytest.raises(GuardError, match="was altered"):
        guard.read(content)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "pass",
        {},
        {"checks": None},
        {"checks": [{"name": "x"}]},
        {**guard.judge(HEALTHY, Limits()).to_dict(), "checks": [3]},
    ],
)
def test_what_is_no_answer_does_not_read_back(content: object) -> None:
    with pytest.raises(GuardError, match="no answer of the guard"):
        guard.read(content)


def test_an_answer_of_unknown_verdicts_does_not_read_back() -> None:
    content = guard.judge(HEALTHY, Limits()).to_dict()
    content["checks"][0]["verdict"] = "fine"
    with pytest.raises(GuardError, match="no answer of the guard"):
        guard.read(content)
