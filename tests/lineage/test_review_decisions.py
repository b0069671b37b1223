"""Reviewers' decisions take the place of verdicts, except of those that are final."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from lineage import curation, review_decisions, schema
from lineage.errors import ParentError, SchemaError
from lineage.record import edited
from lineage.review_decisions import REVIEWS

CANDIDATES = [bytes([row]) * 32 for row in range(6)]


def decided(reviews: list[tuple[int, str, int | None]], **given: Any) -> dict[int, dict[str, Any]]:
    """Decide on five candidates and a row that was made of one, of which two fail.

    Row 1 fails `sharp`, row 2 fails `new` (final) and `sharp`; row 5 has no verdicts.
    """
    last = 6 if any(made for _, _, made in reviews) else 5
    candidates = pl.DataFrame(
        {"round": 1, "row": range(last), "sample_id": CANDIDATES[:last]},
        schema=schema.SAMPLE_KEY,
    ).with_columns(pl.col("sample_id").alias("columns_digest"))
    failing = {(1, "sharp"), (2, "sharp"), (2, "new")}
    verdicts = pl.DataFrame(
        [
            (1, row, name, "critical", "failed" if (row, name) in failing else "passed", None, None)
            for row in range(5)
            for name in ("sharp", "new")
        ],
        schema=schema.VERDICTS,
        orient="row",
    )
    table = pl.DataFrame(reviews, schema=REVIEWS, orient="row")
    found = curation.decide(
        candidates,
        verdicts,
        curation.EARLIER.to_frame(),
        dataset="d",
        reviews=table,
        final=["new"],
        **given,
    )
    return {row["row"]: row for row in found.to_dicts()}


def test_a_reviewer_accepts_what_failed_and_rejects_what_passed() -> None:
    found = decided([(1, "accept", None), (0, "reject", None)])
    assert (found[1]["decision"], found[1]["reasons"]) == ("accepted", [])
    assert found[1]["warnings"] == ["accepted_by_reviewer", "sharp"]
    assert (found[0]["decision"], found[0]["reasons"]) == ("rejected", ["rejected_by_reviewer"])
    assert found[3]["decision"] == "accepted"


def test_what_is_final_is_not_overridden() -> None:
    found = decided([(2, "accept", None)])
    assert (found[2]["decision"], found[2]["reasons"]) == ("rejected", ["new"])
    found = decided([(2, "relabel", 5)])
    assert found[2]["reasons"] == ["relabelled_by_reviewer", "sharp", "new"]
    assert (found[5]["decision"], found[5]["reasons"]) == ("rejected", ["new"])


def test_content_that_was_taken_down_is_not_accepted() -> None:
    found = decided([(0, "accept", None)], denied=pl.Series([0]))
    assert (found[0]["decision"], found[0]["reasons"]) == ("rejected", ["taken_down"])


def test_an_edited_row_stands_in_the_place_of_its_candidate() -> None:
    found = decided([(0, "correct", 5)], max_accepted=1)
    accepted = [row for row, each in found.items() if each["decision"] == "accepted"]
    assert accepted == [5]
    assert found[5]["warnings"] == ["corrected_by_reviewer"]
    assert found[3]["reasons"] == ["max_accepted"]


def test_without_decisions_nothing_changes() -> None:
    assert decided([]) == decided([], denied=pl.Series([], dtype=pl.Int64))
    assert [row for row, each in decided([]).items() if each["reasons"]] == [1, 2]


@pytest.mark.parametrize(
    ("reviews", "says"),
    [
        ([(9, "accept", None)], "about row 9, which is no candidate"),
        ([(0, "praise", None)], "is 'praise'"),
        ([(0, "accept", None), (0, "reject", None)], "row 0 more than once"),
    ],
)
def test_what_is_no_decision_is_refused(
    reviews: list[tuple[int, str, int | None]], says: str
) -> None:
    judged = pl.DataFrame(
        {"row": [0, 1], "reasons": [[], []], "warnings": [[], []]},
        schema={"row": pl.Int64, "reasons": pl.List(pl.String), "warnings": pl.List(pl.String)},
    )
    table = pl.DataFrame(reviews, schema=REVIEWS, orient="row")
    with pytest.raises(SchemaError, match=says):
        review_decisions.apply(judged, table, [])


def lineage_row() -> pl.DataFrame:
    row = dict.fromkeys(schema.LINEAGE) | {
        "round": 1,
        "row": 2,
        "sample_id": CANDIDATES[2],
        "kind": "synthetic",
        "parents": [],
        "generator": "g",
        "real_inputs": 0.5,
        "real_roots": 0.5,
        "depth_mean": 3.0,
        "depth_min": 1,
        "depth_max": 4,
    }
    return pl.DataFrame([row], schema=schema.LINEAGE)


def test_an_edited_row_is_one_edit_further_from_real_data() -> None:
    rows = pl.DataFrame({"row": [5], "sample_id": [CANDIDATES[5]], "edits": [2]})
    (made,) = edited(rows, lineage_row(), round_number=1, dataset="d").to_dicts()
    assert (made["kind"], made["generator"], made["attribution"]) == ("edited", "g", "review/1")
    assert made["parents"] == [
        {"dataset": "d", "round": 1, "row": 2, "relation": "edited", "weight": 1.0}
    ]
    assert (made["real_inputs"], made["real_roots"], made["depth_mean"]) == (0.0, 0.5, 4.0)
    assert (made["depth_min"], made["depth_max"], made["trained_on"]) == (2, 5, None)


def test_an_edited_row_comes_after_its_candidate() -> None:
    rows = pl.DataFrame({"row": [1], "sample_id": [CANDIDATES[5]], "edits": [2]})
    with pytest.raises(ParentError, match="not earlier"):
        edited(rows, lineage_row(), round_number=1, dataset="d")
