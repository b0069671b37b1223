"""Verdicts by reason: what tells reasons apart, what comes first, what is left out."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from expectations import reasons
from expectations.reasons import Judged
from lineage.schema import VERDICTS

Row = tuple[int | None, str, str, str, float | None, str | None]


def verdicts(*rows: Row) -> pl.DataFrame:
    names = [name for name in VERDICTS if name != "round"]
    frame = pl.DataFrame(rows, schema={name: VERDICTS[name] for name in names}, orient="row")
    return frame.with_columns(pl.lit(3, pl.Int32).alias("round")).select(list(VERDICTS))


def failed(name: str, *seen: tuple[float | None, str], severity: str = "critical") -> list[Row]:
    return [
        (row, name, severity, "failed", number, f"{detail}; asked: anything 1.5")
        for row, (number, detail) in enumerate(seen)
    ]


def about(severity: str = "critical", **more: Any) -> dict[str, Any]:
    return {"severity": severity, "level": "row", "passed": 1, "failed": 0, "unknown": 0, **more}


def only(found: list[Judged]) -> Judged:
    (judged,) = found
    return judged


def bounded(**limits: float) -> dict[str, dict[str, Any]]:
    return {"d": about(type=reasons.BETWEEN, columns=["distance"], limits=limits)}


def told(judged: Judged) -> list[tuple[str, int, tuple[int, ...]]]:
    return [(each.text, each.count, each.rows) for each in judged.reasons]


def test_numbers_out_of_bounds_are_one_reason_on_either_side() -> None:
    rows = failed("d", (0.1, "distance 0.1"), (0.9, "distance 0.9"), (0.2, "distance 0.2"))
    found = only(reasons.judged(verdicts(*rows), bounded(min_value=0.3, max_value=0.8), 5))
    assert told(found) == [("distance below 0.3", 2, (0, 2)), ("distance above 0.8", 1, (1,))]
    assert [(each.least, each.most) for each in found.reasons] == [(0.1, 0.2), (0.9, 0.9)]


def test_limits_of_other_types_do_not_explain_a_number() -> None:
    rows = failed("d", (0.1, "distance 0.1"))
    lengths = {"d": about(type="expect_x", columns=["distance"], limits={"min_value": 3})}
    assert told(only(reasons.judged(verdicts(*rows), lengths, 5))) == [("distance …", 1, (0,))]


def test_labels_tell_reasons_apart_and_fractions_do_not() -> None:
    rows = failed(
        "p", *((1.0, f"label 1, seen {5 + row % 2}, near 0.0{row}e-05") for row in (1, 2, 3))
    )
    found = only(
        reasons.judged(verdicts(*rows), {"p": about(columns=["label", "seen", "near"])}, 5)
    )
    assert told(found) == [
        ("label 1, seen 6, near …", 2, (0, 2)),
        ("label 1, seen 5, near …", 1, (1,)),
    ]
    assert found.reasons[0].least is None, "the number of one column of several says nothing"


def test_rows_are_the_first_ones_and_no_more_than_asked_for() -> None:
    rows = failed("p", *((None, "same"),) * 9)
    assert told(only(reasons.judged(verdicts(*rows), {"p": about()}, 3))) == [
        ("same", 9, (0, 1, 2))
    ]


def test_rare_reasons_are_merged() -> None:
    many = [(None, f"word '{word}'") for word in "abcdefghij" for _ in range(2)]
    found = only(reasons.judged(verdicts(*failed("p", *many)), {"p": about()}, 4))
    assert len(found.reasons) == reasons.SHOWN
    assert told(found)[-1][:2] == ("3 other reasons", 6)
    assert sum(each.count for each in found.reasons) == 20


def test_reasons_that_never_repeat_are_one() -> None:
    texts = [(None, f"text '{word}'") for word in "abcdefghijkl"]
    found = only(reasons.judged(verdicts(*failed("p", *texts)), {"p": about()}, 4))
    assert told(found) == [("12 other reasons", 12, (0, 1, 2, 3))]


def test_unknown_is_told_by_its_reason_and_is_no_failure() -> None:
    rows: list[Row] = [
        (0, "d", "critical", "unknown", 0.1, "distance has no value"),
        (1, "d", "critical", "unknown", None, None),
    ]
    found = only(reasons.judged(verdicts(*rows), bounded(min_value=0.5), 5))
    assert {(each.verdict, each.text) for each in found.reasons} == {
        ("unknown", "distance has no value"),
        ("unknown", "no reason given"),
    }


def test_a_table_has_its_figure_and_its_own_words() -> None:
    row: Row = (None, "t", "warning", "failed", 0.5, "observed 0.5; p 0.01; asked: max_value 0.1")
    found = only(reasons.judged(verdicts(row), {"t": about("warning", level="table", failed=1)}, 5))
    assert (found.observed, found.verdict) == (0.5, "failed")
    assert told(found) == [("observed 0.5; p 0.01", 1, ())]


def test_critical_expectations_come_first_then_those_that_fail_most() -> None:
    said = {
        "w": about("warning", failed=9),
        "some": about(failed=1),
        "most": about(failed=2, unknown=3),
        "none": about(),
    }
    found = reasons.judged(verdicts(), said, 5)
    assert [each.name for each in found] == ["most", "some", "none", "w"]
    assert [each.verdict for each in found] == ["failed", "failed", "passed", "failed"]


def test_what_fails_together() -> None:
    rows: list[Row] = [
        *((row, "a", "critical", "failed", None, "x") for row in (0, 1, 5)),
        *((row, "b", "warning", "failed", None, "x") for row in (0, 1, 2)),
        (2, "c", "warning", "unknown", None, "x"),
        (3, "c", "warning", "passed", None, None),
        (None, "t", "critical", "failed", None, "x"),
    ]
    found = reasons.together(verdicts(*rows), 1)
    assert [(each.names, each.rejects, each.count, each.rows) for each in found] == [
        (("a", "b"), True, 2, (0,)),
        (("b", "c?"), False, 1, (2,)),
        (("a",), True, 1, (5,)),
    ]


@pytest.mark.parametrize("severity", ["critical", "odd"])
def test_a_severity_that_nobody_knows_rejects(severity: str) -> None:
    (found,) = reasons.together(verdicts((0, "a", severity, "failed", None, "x")), 1)
    assert found.rejects
