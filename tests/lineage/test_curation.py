from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage import curation, schema
from lineage.errors import SchemaError
from tests.lineage.conftest import content, ids

Said = tuple[int | None, str, str, str]
"""Row, expectation, severity, verdict."""
EARLIER = pl.DataFrame(schema={"dataset": pl.String, **schema.SAMPLE_KEY})


def candidates(names: str, number: int = 2) -> pl.DataFrame:
    """One candidate per letter; equal letters are equal content."""
    frame = pl.DataFrame({"round": number, "row": range(len(names))})
    return frame.with_columns(ids(names)).cast({"round": pl.Int32})


def verdicts(*said: Said) -> pl.DataFrame:
    rows = [(2, row, name, severity, verdict, 0.5, None) for row, name, severity, verdict in said]
    return pl.DataFrame(rows, schema=schema.VERDICTS, orient="row")


def passed(count: int) -> list[Said]:
    return [(row, "sharp", "critical", "passed") for row in range(count)]


def earlier(*rows: tuple[str, int, int, str]) -> pl.DataFrame:
    found = [(dataset, number, row, content(name)) for dataset, number, row, name in rows]
    return pl.DataFrame(found, schema=EARLIER.schema, orient="row")


def decide(
    names: str, said: list[Said], before: pl.DataFrame = EARLIER, most: int | None = None
) -> list[dict[str, object]]:
    found = curation.decide(
        candidates(names), verdicts(*said), before, dataset="d", max_accepted=most
    )
    assert found.schema == schema.DECISIONS
    return found.to_dicts()


def first(found: list[dict[str, object]]) -> dict[str, object]:
    return {name: found[0][name] for name in ("decision", "reasons", "warnings", "duplicate_of")}


def test_what_passed_is_accepted() -> None:
    found = decide("ab", passed(2))
    assert [row["decision"] for row in found] == ["accepted"] * 2
    assert first(found) | {"x": 0} == {
        "decision": "accepted",
        "reasons": [],
        "warnings": [],
        "duplicate_of": None,
        "x": 0,
    }


@pytest.mark.parametrize(
    ("severity", "verdict", "reasons", "warnings"),
    [
        ("critical", "passed", [], []),
        ("critical", "failed", ["e"], []),
        ("critical", "unknown", ["e: unknown"], []),
        ("critical", "crashed", ["e: unknown"], []),
        ("critcal", "failed", ["e"], []),
        ("warning", "passed", [], []),
        ("warning", "failed", [], ["e"]),
        ("warning", "unknown", [], ["e: unknown"]),
        ("info", "failed", [], []),
    ],
)
def test_severity_and_verdict(
    severity: str, verdict: str, reasons: list[str], warnings: list[str]
) -> None:
    found = first(decide("a", [*passed(1), (0, "e", severity, verdict)]))
    assert found["decision"] == ("rejected" if reasons else "accepted")
    assert found["reasons"] == reasons
    assert found["warnings"] == warnings


def test_a_missing_word_is_no_pass() -> None:
    said = verdicts((0, "e", "critical", "passed"))
    for name in ("verdict", "severity"):
        odd = said.with_columns(
            pl.lit(None, pl.String).alias(name),
            pl.lit("failed").alias("verdict") if name == "severity" else pl.col("round"),
        )
        found = curation.decide(candidates("a"), odd, EARLIER, dataset="d")
        assert found["decision"].to_list() == ["rejected"]


def test_all_reasons_are_given_once() -> None:
    said = [(0, name, "critical", "failed") for name in ("b", "a", "b")]
    assert first(decide("a", said))["reasons"] == ["b", "a"]


def test_what_nobody_judged_is_rejected() -> None:
    found = decide("ab", [*passed(1), (None, "whole", "critical", "passed")])
    assert [row["decision"] for row in found] == ["accepted", "rejected"]
    assert found[1]["reasons"] == ["no verdict"]


def test_content_accepted_before_is_a_duplicate() -> None:
    before = earlier(("c", 0, 1, "a"), ("d", 1, 4, "a"), ("d", 0, 9, "b"), ("d", 1, 3, "a"))
    found = decide("ab", passed(2), before)
    assert first(found) == {
        "decision": "duplicate",
        "reasons": ["duplicate"],
        "warnings": [],
        "duplicate_of": {"dataset": "d", "round": 1, "row": 3},
    }
    assert found[1]["duplicate_of"] == {"dataset": "d", "round": 0, "row": 9}


def test_another_data_set_counts_as_before() -> None:
    found = first(decide("a", passed(1), earlier(("e", 7, 1, "a"))))
    assert found["duplicate_of"] == {"dataset": "e", "round": 7, "row": 1}


def test_this_round_and_later_ones_are_not_before() -> None:
    before = earlier(("d", 2, 0, "a"), ("d", 3, 0, "a"))
    assert first(decide("a", passed(1), before))["decision"] == "accepted"


def test_a_round_accepts_content_once() -> None:
    found = decide("aba", passed(3))
    assert [row["decision"] for row in found] == ["accepted", "accepted", "duplicate"]
    assert found[2]["duplicate_of"] == {"dataset": "d", "round": 2, "row": 0}


def test_a_rejected_row_is_not_the_first() -> None:
    found = decide("aaa", [(0, "e", "critical", "failed"), *passed(3)])
    assert [row["decision"] for row in found] == ["rejected", "accepted", "duplicate"]
    assert found[2]["duplicate_of"] == {"dataset": "d", "round": 2, "row": 1}


def test_a_failed_duplicate_is_rejected() -> None:
    found = first(decide("a", [(0, "e", "critical", "failed")], earlier(("d", 0, 0, "a"))))
    assert (found["decision"], found["reasons"]) == ("rejected", ["e"])
    assert found["duplicate_of"] is None


def test_the_lowest_rows_are_kept() -> None:
    found = decide("abcdcb", [*passed(6), (0, "e", "critical", "failed")], most=2)
    assert [row["decision"] for row in found] == [
        "rejected",
        "accepted",
        "accepted",
        "rejected",
        "duplicate",
        "duplicate",
    ]
    assert found[3]["reasons"] == ["max_accepted"]


def test_what_passed_beyond_the_end_of_a_round_is_surplus_and_not_rejected() -> None:
    found = curation.decide(
        candidates("abcbd"),
        verdicts(*passed(4), (4, "e", "critical", "failed")),
        EARLIER,
        dataset="d",
        max_accepted=2,
        surplus=True,
    )
    assert found["decision"].to_list() == [
        "accepted",
        "accepted",
        "surplus",
        "duplicate",
        "rejected",
    ]
    assert found["reasons"].to_list() == [[], [], ["surplus"], ["duplicate"], ["e"]]


def test_a_copy_of_what_did_not_fit_did_not_fit_either() -> None:
    found = decide("abb", passed(3), most=1)
    assert [row["reasons"] for row in found] == [[], ["max_accepted"], ["max_accepted"]]
    assert found[2]["duplicate_of"] is None


def plain(
    names: str, failed: set[int], unjudged: set[int], before: set[str], most: int
) -> list[tuple[str, int | None]]:
    """The rules, row by row: decision, and the row of this round that is repeated."""
    kept: dict[str, int] = {}
    found: list[tuple[str, int | None]] = []
    for row, name in enumerate(names):
        if row in failed | unjudged:
            found.append(("rejected", None))
        elif name in before:
            found.append(("duplicate", None))
        elif name in kept:
            found.append(("duplicate", kept[name]))
        elif len(kept) < most:
            kept[name] = row
            found.append(("accepted", None))
        else:
            found.append(("rejected", None))
    return found


@given(
    st.text("abcdef", max_size=12),
    st.sets(st.integers(0, 11)),
    st.sets(st.integers(0, 11)),
    st.sets(st.sampled_from("abcdef")),
    st.integers(1, 12),
)
def test_decisions_are_those_of_the_rules(
    names: str, failed: set[int], unjudged: set[int], before: set[str], most: int
) -> None:
    said = [
        (row, "e", "critical", "failed" if row in failed else "passed")
        for row in range(len(names))
        if row not in unjudged
    ]
    known = earlier(*(("d", 0, at, name) for at, name in enumerate(sorted(before))))
    found = decide(names, said, known, most)
    expected = plain(names, failed, unjudged, before, most)
    assert [row["decision"] for row in found] == [each for each, _ in expected]
    again = [row["duplicate_of"] for row in found]
    assert [
        each["row"] if each and each["round"] == 2 else None
        for each in again  # type: ignore[index]
    ] == [row for _, row in expected]
    assert [bool(row["reasons"]) for row in found] == [each != "accepted" for each, _ in expected]


def test_reasons_are_counted() -> None:
    said = [
        *passed(6),
        *((row, "blurred", "critical", "failed") for row in (0, 1)),
        (0, "dark", "critical", "unknown"),
        (2, "dark", "warning", "failed"),
    ]
    found = curation.reasons(
        curation.decide(candidates("abcdcc"), verdicts(*said), EARLIER, dataset="d")
    )
    assert found.columns == ["reason", "count"]
    assert list(found.iter_rows()) == [("blurred", 2), ("duplicate", 2), ("dark: unknown", 1)]
    assert curation.reasons(
        curation.decide(candidates("a"), verdicts(*passed(1)), EARLIER, dataset="d")
    ).is_empty()


def test_accepted_rows_are_warned_of_by_name_once() -> None:
    said = verdicts(
        (0, "near", "warning", "failed"),
        (0, "far", "warning", "error"),
        (1, "near", "warning", "passed"),
        (1, "wrong", "critical", "failed"),
        (2, "near", "warning", "failed"),
    )
    accepted = candidates("ab").with_columns(expectations=pl.lit("a column of the user's"))
    assert curation.warned(said, accepted).to_dicts() == [
        {"round": 2, "row": 0, "sample_id": content("a"), "expectations": ["far", "near"]}
    ]


def test_critical_verdicts_on_the_whole_stop() -> None:
    said = verdicts(
        (None, "balanced", "critical", "failed"),
        (None, "many", "critical", "unknown"),
        (None, "fine", "critical", "passed"),
        (None, "nice", "warning", "failed"),
        (0, "sharp", "critical", "failed"),
    )
    assert curation.stopping(said)["expectation"].to_list() == ["balanced", "many"]
    assert curation.stopping(said[2:]).is_empty()


def test_no_candidates_have_no_decisions() -> None:
    assert decide("", []) == []


def test_frames_that_do_not_fit() -> None:
    rows, none = candidates("ab"), verdicts()
    with pytest.raises(SchemaError, match="about row 5, which is no candidate"):
        curation.decide(rows, verdicts((5, "e", "critical", "passed")), EARLIER, dataset="d")
    with pytest.raises(SchemaError, match="the candidates names round 2, row 0 more than once"):
        curation.decide(pl.concat([rows, rows]), none, EARLIER, dataset="d")
    with pytest.raises(SchemaError, match="several rounds"):
        curation.decide(pl.concat([rows, candidates("ab", 3)]), none, EARLIER, dataset="d")
    with pytest.raises(SchemaError, match="'dataset'"):
        curation.decide(rows, none, EARLIER.drop("dataset"), dataset="d")


SAID = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["sharp", "new", "sure"]),
        st.sampled_from(["critical", "warning", "info"]),
        st.sampled_from(["passed", "failed", "unknown"]),
    ),
    max_size=20,
)


@given(SAID, st.integers(0, 20))
def test_decisive_verdicts_decide_as_all_do_whole_or_in_parts(said: list[Said], cut: int) -> None:
    judged = verdicts(*said, (None, "enough", "critical", "failed"))
    parts = [judged[:cut], judged[cut:]]
    few = pl.concat([curation.decisive(part) for part in parts])
    rows = candidates("abcab")
    of_all, of_few = (
        curation.decide(rows, given, EARLIER, dataset="d", max_accepted=2)
        for given in (judged, few)
    )
    assert of_few.equals(of_all)
    assert curation.kept(few).equals(curation.kept(judged))
    assert curation.stopping(few)["expectation"].to_list() == ["enough"]
    everything = rows.select("round", "row", "sample_id")
    assert curation.warned(few, everything).equals(curation.warned(judged, everything))


def test_of_rows_that_pass_one_verdict_decides() -> None:
    judged = verdicts(*passed(3), *passed(3), (1, "new", "warning", "failed"))
    few = curation.decisive(judged)
    assert sorted(few.select("row", "verdict").iter_rows()) == [
        (0, "passed"),
        (1, "failed"),
        (2, "passed"),
    ]


@pytest.mark.parametrize("name", ["row", "verdict", "detail"])
def test_what_lacks_a_column_is_no_table_of_verdicts(name: str) -> None:
    with pytest.raises(SchemaError, match=f"column '{name}' .* is missing"):
        curation.decisive(verdicts(*passed(2)).drop(name))


def test_what_was_taken_down_is_rejected_whatever_the_suite_says() -> None:
    found = curation.decide(
        candidates("aab"),
        verdicts(*passed(3)),
        EARLIER,
        dataset="d",
        denied=pl.Series([0, 1], dtype=pl.Int64),
    )
    assert found["decision"].to_list() == ["rejected", "rejected", "accepted"]
    assert found["reasons"].to_list() == [["taken_down"], ["taken_down"], []]


def test_refusals_are_counted_by_critical_expectation() -> None:
    said = verdicts(
        (0, "far", "critical", "failed"),
        (0, "near", "critical", "error"),
        (1, "near", "critical", "failed"),
        (2, "near", "warning", "failed"),
        (2, "far", "critical", "passed"),
        (None, "whole", "critical", "failed"),
    )
    assert list(curation.refusals(said).items()) == [("near", 2), ("far", 1)]
    assert curation.refusals(curation.decisive(said)) == curation.refusals(said)
    assert curation.refusals(verdicts(*passed(2))) == {}
