"""Which suites can end a round, and what scores of shards see."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.suite import Rule, Suite
from pipelines.common.errors import ProjectError
from pipelines.scorers import scoring
from pipelines.scorers.protocol import Given
from pipelines.verification import acceptance

NOT_NULL = Rule("there", "expect_column_values_to_not_be_null", {"column": "text"}, "critical", {})
UNIQUE = Rule("once", "expect_column_values_to_be_unique", {"column": "text"}, "critical", {})
MANY = Rule("many", "expect_table_row_count_to_be_between", {"min_value": 1}, "critical", {})


def test_a_suite_that_ends_a_round_judges_single_rows() -> None:
    assert acceptance.row_rules(Suite("notes", (NOT_NULL, MANY))).rules == (NOT_NULL,)
    with pytest.raises(ProjectError, match="judges no single row"):
        acceptance.row_rules(Suite("notes", (MANY,)))
    with pytest.raises(ProjectError, match="'once' compares a row with later ones"):
        acceptance.row_rules(Suite("notes", (NOT_NULL, UNIQUE)))


def test_a_shard_is_scored_beside_earlier_ones_alone(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    text = ["the quick brown fox", "another line of words", "the quick brown fox", "new words here"]
    rows = pl.DataFrame({"text": text}).with_columns(
        pl.lit(1, pl.Int32).alias("round"), pl.int_range(4, dtype=pl.Int64).alias("row")
    )
    real = rows.head(1).with_columns(text=pl.lit("something quite different, and real"))
    given = Given(real=real.with_columns(round=pl.lit(0, pl.Int32)), earlier=real.clear())
    scorers = {"text_duplicates": {}}
    whole = scoring.score_all(scorers, rows, given)
    shards = pl.Series([0, 0, 1, 1])
    by_shard = scoring.score_shards(scorers, rows, shards, given)
    assert by_shard.head(2).equals(scoring.score_all(scorers, rows.head(2), given))
    assert by_shard.tail(2).equals(whole.tail(2))
    before = by_shard.head(2)
    assert scoring.score_shards(scorers, rows, shards, given, before).equals(by_shard)
    assert scoring.score_shards(scorers, rows.head(2), shards.head(2), given).equals(before)
