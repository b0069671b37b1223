"""`stemma sql` and the page's SQL over a project's lake, each query in its own process."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest

from lake import refs
from lake import tables as stored
from pipelines.params import load
from review.errors import QueryRefusedError, UsageError
from review.sql import engine, named
from review.sql.limits import QueryLimits
from review.sql.named import Named
from tests.flow.planted_branch import known, plant
from tests.flow.projects import Project
from tests.flow.served import Page, notice, serving

JOIN = (
    "SELECT s.round, s.row, label, verdict FROM samples('tiny-v2') s "
    "JOIN verdicts('tiny-v2') v USING (round, row) WHERE expectation = 'label_agrees' ORDER BY ALL"
)


@pytest.fixture(scope="module")
def page(still: Project) -> Iterator[Page]:
    with serving(still.lake()) as found:
        yield found


def ended(project: Project, query: str, bounds: QueryLimits) -> str:
    """Why a query was ended."""
    with (
        pytest.raises(QueryRefusedError) as refused,
        engine.answered(project.lake(), load(), query, bounds) as answer,
    ):
        answer.table()
    return str(refused.value)


def test_a_query_names_tables_and_refs() -> None:
    query = "FROM samples('a') JOIN Scores ( 'main' , 'it''s' ) USING (row), samples('a') -- mix(1)"
    assert named.find(query) == [Named("samples", "a", None), Named("scores", "main", "it's")]
    assert [each.name for each in named.find(query)] == ["samples@61", "scores@6D61696E@69742773"]


def test_samples_and_verdicts_are_joined(still: Project) -> None:
    lake = still.lake()
    samples = lake.scan("tiny-v2", refs.table("tiny", "samples"))
    verdicts = lake.scan("tiny-v2", refs.table("tiny", "verdicts"))
    expected = (
        samples.join(verdicts, on=["round", "row"])
        .filter(pl.col("expectation") == "label_agrees")
        .select("round", "row", "label", "verdict")
        .sort("round", "row", "label", "verdict")
        .collect()
    )
    done = still.stemma("sql", JOIN, "--json", "--limit", "1000")
    content = json.loads(done.out)
    assert (content["columns"], content["left_out"]) == (expected.columns, None)
    assert content["rows"] == [list(row) for row in expected.iter_rows()]
    assert len(expected) > 40


@pytest.mark.slow
def test_a_table_is_bounded_and_files_hold_the_rest(still: Project, tmp_path: Path) -> None:
    query = (
        "SELECT row, hex(sample_id) AS id, '=1+1' AS formula FROM samples('tiny-v2') ORDER BY ALL"
    )
    shown = still.stemma("sql", query, "--limit", "5")
    assert "5 rows; only the first 5 rows are shown (--limit, or -o FILE)" in shown.out
    place = tmp_path / "rows.csv"
    still.stemma("sql", query, "-o", str(place))
    rows = list(csv.DictReader(place.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 137
    assert rows[0]["formula"] == "'=1+1"
    parquet = tmp_path / "rows.parquet"
    assert "137 rows" in still.stemma("sql", query, "-o", str(parquet)).out
    assert pl.read_parquet(parquet)["id"].to_list() == [row["id"] for row in rows]
    assert still.stemma("sql", query, "-o", str(place)).code != 0  # it is there already
    assert still.stemma("sql", query, "-o", "x.xlsx").code == 2
    lines = tmp_path / "rows.jsonl"
    twice = still.stemma("sql", "SELECT 1 AS a, 2 AS a", "-o", str(lines))
    assert (twice.code, lines.exists()) == (2, False)
    assert "cannot have two columns a" in twice.err


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("FROM mix('main') LIMIT 1", ["round", "row", "weight"]),
        ("FROM figures('main') LIMIT 1", ["round", "figure", "value"]),
        (
            "FROM candidates('tiny-r003') WHERE round = 3",
            ["round", "row", "sample_id", "image", "label"],
        ),
    ],
)
def test_what_the_lake_does_not_keep_as_a_table(
    still: Project, query: str, columns: list[str]
) -> None:
    with engine.answered(still.lake(), load(), query) as answer:
        rows = answer.table().num_rows
    assert answer.schema.names == columns
    assert rows == (24 if "candidates" in query else 1)


def test_candidates_of_a_lake_that_is_served_last_as_long_as_the_query(
    still: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "paths_in_place", lambda *_: None)  # as of another machine
    with engine.answered(still.lake(), load(), "FROM candidates('tiny-r003')") as answer:
        assert answer.table().num_rows >= 24


def test_a_query_without_an_end_is_ended_and_what_is_too_large_is_cut(still: Project) -> None:
    endless = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"
    began = time.monotonic()
    assert ended(still, endless, QueryLimits(seconds=3, threads=1)) == (
        "the query was ended after 3 seconds"
    )
    assert time.monotonic() - began < 20
    small = QueryLimits(rows=10**9, result_bytes=1 << 20, threads=1)
    with engine.answered(still.lake(), load(), "FROM range(1000000000000)", small) as answer:
        rows = answer.table().num_rows
    assert 0 < rows <= (1 << 20) / 8
    assert answer.cut == "the result is larger than 1 MiB; the rest is left out"


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "SELECT repeat('x', 4000000000)",
        "SELECT list(i ORDER BY -i) FROM range(1000000000) t(i)",
        "SELECT count(*) FROM range(100000) a, range(100000) b GROUP BY a.range * b.range",
        f"SELECT {'(' * 9000}1{')' * 9000}",
    ],
)
def test_what_takes_too_much_memory_is_ended(still: Project, query: str) -> None:
    bounds = QueryLimits(memory_bytes=128 << 20, seconds=60, threads=1)
    assert ended(still, query, bounds).startswith("the query ")


def test_refusals_are_sentences(still: Project) -> None:
    lake = still.lake()
    for query, said in (
        ("COPY (SELECT 1) TO 'x'", "the query is refused: only one SELECT is answered"),
        ("SELECT nothing FROM samples('tiny-v2')", "the query is refused: Binder Error: "),
    ):
        assert ended(still, query, QueryLimits()).startswith(said)
    with (
        pytest.raises(UsageError, match="at most 20,000 characters"),
        engine.answered(lake, load(), "x" * 20_001),
    ):
        pass
    with (
        pytest.raises(UsageError, match="text in UTF-8"),
        engine.answered(lake, load(), "SELECT '\udcff'"),
    ):
        pass
    done = still.stemma("sql", "FROM samples('nowhere')")
    assert (done.code, "nowhere" in done.err) == (2, True)


def test_the_page_answers_escaped_and_says_what_is_refused(still: Project, page: Page) -> None:
    known(still, "marked", "text", "text")
    texts = pl.DataFrame({"text": ["<script>alert(1)</script>"]})
    branch = plant(still.lake(), "marked", texts, pl.lit(value=False))
    text = page.text("/sql?query=" + quote(f"FROM samples('{branch}')"))
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "1 row</h2>" in text
    refused = page.get("/sql?query=" + quote("FROM read_csv('/etc/passwd')"))
    assert refused.status_code == 400
    assert notice(refused).startswith("The query is refused: Permission Error")
    example = page.text("/sql?dataset=tiny")
    assert "samples(&#39;tiny-v2&#39;)" in example
