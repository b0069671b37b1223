from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage import audit, edges, schema
from lineage.errors import QueryError
from tests.lineage.conftest import content, derived, real_rows


def dated(rows: pl.DataFrame, dataset: str = "d") -> pl.DataFrame:
    return rows.with_columns(pl.lit(dataset).alias("dataset"))


REAL = dated(real_rows(30))
LINKS = pl.DataFrame(
    [(0, "d", 0, 4, "seed", 0.5), (0, "d", 0, 2, "edited", 0.25)],
    schema=edges.PARENT,
    orient="row",
)
ROUND = dated(derived(2, 1, None, parents=LINKS, stored=REAL))
LINEAGE = pl.concat([ROUND, REAL])
VERDICTS = pl.DataFrame(
    [
        (1, 0, "sharp", "critical", "passed", 0.5, "fine"),
        (1, 0, "dark", "warning", "failed", float("nan"), None),
        (1, 1, "sharp", "critical", "failed", 0.1, None),
        (1, None, "balanced", "critical", "passed", 1.0, None),
    ],
    schema=schema.VERDICTS,
    orient="row",
)
DECISIONS = pl.DataFrame(
    {
        "round": [1, 1],
        "row": [0, 1],
        "sample_id": ROUND["sample_id"],
        "decision": ["accepted", "duplicate"],
        "reasons": [[], ["duplicate"]],
        "warnings": [["dark"], []],
        "duplicate_of": [None, {"dataset": "d", "round": 0, "row": 4}],
        "columns_digest": [b"\0" * 32, b"\1" * 32],
    },
    schema=schema.DECISIONS,
)


def describe(row: int, parents: pl.DataFrame = LINEAGE) -> audit.Occurrence:
    return audit.describe(ROUND.to_dicts()[row], VERDICTS, DECISIONS, parents)


@given(st.integers(0, 29), st.integers(8, 64), st.booleans())
def test_a_sample_is_found_by_any_prefix(row: int, digits: int, upper: bool) -> None:
    prefix = content(f"d real {row}").hex()[:digits]
    found = LINEAGE.filter(audit.matching(prefix.upper() if upper else prefix))
    assert found["row"].to_list() == [row]


def test_every_digit_counts() -> None:
    whole = content("d real 3").hex()
    for digits in (8, 9, 63, 64):
        other = whole[: digits - 1] + ("0" if whole[digits - 1] != "0" else "1")
        assert LINEAGE.filter(audit.matching(other)).is_empty()


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("0123abc", "'0123abc' has 7 hex digits; give at least 8"),
        ("", "'' is not a sample id; give 8 or more hex digits"),
        ("digits-r003", "'digits-r003' is not a sample id"),
        ("0" * 65, "has 65 hex digits; a sample id has 64 at most"),
        ("0123 4567", "is not a sample id"),
    ],
)
def test_what_is_no_prefix(prefix: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        audit.matching(prefix)


def test_a_record_is_complete() -> None:
    found = describe(0)
    assert (found.dataset, found.round, found.row) == ("d", 1, 0)
    assert found.sample_id == content("d round 1 row 0").hex()
    assert (found.kind, found.generator, found.trained_on) == ("edited", "g", None)
    assert (found.real_inputs, found.real_roots, found.depth_mean) == (0.75, 0.75, 1)
    assert [(each.row, each.relation, each.weight) for each in found.parents] == [
        (4, "seed", 0.5),
        (2, "edited", 0.25),
    ]
    assert found.parents[0].sample_id == content("d real 4").hex()
    assert (found.parents[0].kind, found.parents[0].depth_mean) == ("real", 0)
    assert [(each.expectation, each.verdict) for each in found.verdicts] == [
        ("dark", "failed"),
        ("sharp", "passed"),
    ]
    assert found.decision == audit.Decision("accepted", (), ("dark",), None)


def test_a_duplicate_names_its_first() -> None:
    found = describe(1)
    assert found.parents == ()
    assert found.decision is not None
    assert found.decision.duplicate_of == {"dataset": "d", "round": 0, "row": 4}


def test_parents_that_were_not_given_stay_unresolved() -> None:
    found = describe(0, LINEAGE.clear())
    assert [each.sample_id for each in found.parents] == [None, None]


def test_a_real_row_has_no_decision() -> None:
    found = audit.describe(REAL.to_dicts()[3], VERDICTS.clear(), DECISIONS.clear(), LINEAGE.clear())
    assert found.decision is None
    assert (found.kind, found.source, found.verdicts, found.depth_max) == ("real", "s", (), 0)


def test_a_record_is_json() -> None:
    plain = json.loads(json.dumps(describe(0).to_dict(), allow_nan=False))
    assert set(plain) == set(audit.Occurrence.__slots__)
    assert plain["sample_id"] == content("d round 1 row 0").hex()
    assert plain["verdicts"][0]["observed"] is None
    assert plain["parents"][0]["sample_id"] == content("d real 4").hex()
    assert plain["decision"]["warnings"] == ["dark"]
