"""What a query can do: read the tables that it names, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from review.sql import worker
from review.sql.limits import REFUSED, SAID, QueryRequest
from review.sql.named import Named

SELECT_ONLY = (
    "COPY (SELECT 1) TO '{place}'",
    "EXPORT DATABASE '{place}'",
    "ATTACH '{place}'",
    "INSTALL httpfs",
    "LOAD '{place}'",
    "SET threads = 8",
    "RESET memory_limit",
    "PRAGMA database_list",
    "CALL duckdb_settings()",
    "CREATE TABLE t AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
    'DROP VIEW "samples@a"',
    "EXPLAIN ANALYZE SELECT 1",
    "CHECKPOINT",
    "SELECT 1; SELECT 2",
    "PREPARE p AS SELECT 1",
    "",
)
"""Statements that are no SELECT, or more than one."""
REACHES_OUT = (
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM read_parquet('{folder}/a.parquet')",
    "SELECT * FROM parquet_metadata('{folder}/a.parquet')",
    "SELECT * FROM 'https://example.org/x.parquet'",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{place}''')",
    "SELECT getenv('HOME')",
    "SELECT * FROM held_by_python",
    "SELECT * FROM samples('b')",
    "SELECT * FROM pragma_database_list()",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sql")
    (place / "secret.csv").write_text("a\nsecret\n")
    pl.DataFrame({"row": [0, 1], "label": ["a", "b"]}).write_parquet(place / "a.parquet")
    later = pl.DataFrame({"row": [2], "label": ["c"], "extra": [1.5]})
    later.write_parquet(place / "later.parquet")
    return place


@pytest.fixture(scope="module")
def connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    files = [str(folder / "a.parquet"), str(folder / "later.parquet")]
    request = QueryRequest(
        query="",
        tables={
            Named("samples", "a", None).name: files,
            Named("samples", "a's", "d").name: files[:1],
            Named("samples", "A", None).name: files[1:],
            Named("samples", "tiny-v1.1", "d.e").name: files[1:],
        },
        names=["samples", "scores"],
        rows=10,
        result_bytes=1 << 20,
        memory_bytes=64 << 20,
        threads=1,
        seconds=5,
    )
    with worker.connected(request) as opened:
        yield opened


def test_tables_are_read_by_ref_and_data_set(connection: duckdb.DuckDBPyConnection) -> None:
    found = worker.reader(connection, "FROM samples('a') ORDER BY row").read_all().to_pylist()
    assert found == [
        {"row": 0, "label": "a", "extra": None},
        {"row": 1, "label": "b", "extra": None},
        {"row": 2, "label": "c", "extra": 1.5},
    ]
    query = "SELECT count(*) AS n FROM samples('a''s', 'd') JOIN samples('a') USING (row)"
    assert worker.reader(connection, query).read_all().to_pylist() == [{"n": 2}]


@pytest.mark.parametrize("query", ["FROM samples('tiny-v1.1', 'd.e')", "FROM samples('A')"])
def test_a_ref_is_taken_to_the_letter(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    found = worker.reader(connection, query).read_all().to_pylist()
    assert found == [{"row": 2, "label": "c", "extra": 1.5}]


def test_of_a_table_that_no_text_names_it_is_said_how(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(duckdb.CatalogException) as refused:
        worker.reader(connection, "FROM samples('b' || 'c')")
    assert worker.explained(refused.value, ["samples", "scores"]) == (
        "the ref of a table is written as a text, as in samples('main')"
    )


def test_a_refusal_fits_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        worker.refuse("x" * 200_000)
    assert capsys.readouterr().err == "x" * SAID


@pytest.mark.parametrize("query", SELECT_ONLY)
def test_only_one_select_is_answered(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    query: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = folder / "written"
    with pytest.raises(SystemExit) as ended:
        worker.reader(connection, query.format(place=place))
    assert ended.value.code == REFUSED
    assert capsys.readouterr().err == "only one SELECT is answered"
    assert not place.exists()


@pytest.mark.parametrize("query", REACHES_OUT)
def test_no_file_address_or_variable_is_reached(
    connection: duckdb.DuckDBPyConnection, folder: Path, query: str
) -> None:
    held_by_python = pl.DataFrame({"a": [1]})
    place, secret = folder / "written", folder / "secret.csv"
    with pytest.raises(duckdb.Error) as refused:
        worker.reader(
            connection, query.format(folder=folder, place=place, secret=secret)
        ).read_all()
    assert isinstance(
        refused.value, duckdb.PermissionException | duckdb.CatalogException | duckdb.ParserException
    )
    assert not place.exists()
    assert len(held_by_python) == 1


def test_there_are_no_secrets(connection: duckdb.DuckDBPyConnection) -> None:
    assert worker.reader(connection, "FROM duckdb_secrets()").read_all().num_rows == 0


@pytest.mark.parametrize(
    "setting", ["enable_external_access = true", "lock_configuration = false", "threads = 4"]
)
def test_the_configuration_stays_locked(
    connection: duckdb.DuckDBPyConnection, setting: str
) -> None:
    with pytest.raises(duckdb.Error, match=r"locked|disabled|cannot|Cannot"):
        connection.execute(f"SET {setting}")
