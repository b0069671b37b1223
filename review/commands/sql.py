"""`stemma sql "SELECT … FROM samples('digits-v3')"`: a query over the tables of the lake."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from pipelines.common import spreadsheet
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import files
from review.cli.output import as_json as to_json
from review.cli.output import make_console, number, plural, print_json, sentence, table
from review.errors import UsageError
from review.sql import cells, engine, limits
from review.sql.limits import QueryLimits
from review.sql.named import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN: Final = 100
"""Rows that are printed."""
COLUMNS: Final = 12
"""Columns that are printed."""
WRITTEN: Final = 1_000_000
"""Rows that are written into a file."""
FILE_BYTES: Final = 8 << 30
"""Bytes in memory of the rows that are written into a file, one batch at a time."""


def run(
    *,
    query: str | None,
    output: Path | None,
    limit: int | None,
    timeout: float,
    memory: int,
    force: bool,
    as_json: bool,
) -> None:
    """Run the query, and print its rows or write them into a file."""
    if query is None:
        _list_tables(as_json=as_json)
        return
    if query == "-":
        try:
            query = sys.stdin.read(limits.LONGEST + 1)
        except UnicodeDecodeError as error:
            raise UsageError("a query is text in UTF-8, and standard input is not") from error
    bounds = QueryLimits(rows=limit or SHOWN, memory_bytes=memory << 20, seconds=timeout)
    if output is not None:
        bounds = replace(bounds, rows=limit or WRITTEN, result_bytes=FILE_BYTES)
        _write_file(query, output, bounds, force=force, as_json=as_json)
        return
    params = load()
    with engine.answered(open_lake(params), params, query, bounds) as answer:
        rows = list(cells.rows(answer.batches()))
    names = answer.schema.names
    if as_json:
        content = [[cells.plain(value) for value in row] for row in rows]
        print_json({"columns": names, "rows": content, "left_out": answer.cut})
        return
    out = make_console()
    body = [[cells.cell(value) for value in row[:COLUMNS]] for row in rows]
    out.print(table("", names[:COLUMNS], body))
    told = f"{number(len(rows))} {plural('row', len(rows))}"
    if len(names) > COLUMNS:
        told += (
            f"; {len(names) - COLUMNS} more columns are left out (name those you want, or --json)"
        )
    more = "" if answer.cut is None else f"; {answer.cut} (--limit, or -o FILE)"
    out.print(sentence(f"{told}{more}"), soft_wrap=True)


def _list_tables(*, as_json: bool) -> None:
    if as_json:
        print_json({"tables": TABLES})
        return
    out = make_console()
    rows = [(f"{name}('REF')", what) for name, what in TABLES.items()]
    out.print(table("", ("table", "what it holds"), rows))
    example = "stemma sql \"SELECT label, count(*) FROM samples('main') GROUP BY label\""
    out.print(sentence(f"REF is a branch, tag or commit: {example}"), soft_wrap=True)
    out.print(sentence("where a ref holds several data sets: samples('main', 'digits')"))


def _write_file(
    query: str, output: Path, bounds: QueryLimits, *, force: bool, as_json: bool
) -> None:
    write = FORMATS.get(output.suffix.lower())
    if write is None:
        raise UsageError(f"{output} must end in {', '.join(FORMATS)}")
    files.check_free(output, force=force)
    params = load()
    with (
        engine.answered(open_lake(params), params, query, bounds) as answer,
        files.replacing(output) as out,
        files.translated(output),
    ):
        if output.suffix.lower() != ".csv":
            _check_distinct(answer.schema.names, output)
        rows = write(out, answer.schema, answer.batches())
    if as_json:
        print_json({"file": str(output), "rows": rows, "left_out": answer.cut})
        return
    told = f"wrote {output}: {number(rows)} {plural('row', rows)}"
    more = "" if answer.cut is None else f"; {answer.cut} (--limit)"
    make_console().print(sentence(f"{told}{more}"), soft_wrap=True)


def _check_distinct(names: list[str], output: Path) -> None:
    """Check that no two columns share a name, of which a reader would find only one."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"{output} cannot have two columns {twice}: name one otherwise, by AS")


def _csv(out: IO[bytes], schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Write CSV in which a spreadsheet takes no text for a formula."""
    out.write(spreadsheet.line(schema.names).encode())
    count = 0
    for row in cells.rows(batches):
        out.write(spreadsheet.line(map(_flat, row)).encode())
        count += 1
    return count


def _flat(value: object) -> object:
    plain = cells.plain(value)
    return to_json(plain) if isinstance(plain, list | Mapping) else plain


def _json_lines(out: IO[bytes], schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    count = 0
    for row in cells.rows(batches):
        plain = {name: cells.plain(value) for name, value in zip(schema.names, row, strict=True)}
        out.write(to_json(plain).encode() + b"\n")
        count += 1
    return count


def _parquet(out: IO[bytes], schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    import pyarrow as pa  # noqa: PLC0415  slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415  slow to import

    count = 0
    try:
        opened = pq.ParquetWriter(out, schema, compression="zstd")
    except pa.ArrowException as error:
        raise UsageError(f"{error}: select that column as CAST(… AS VARCHAR)") from error
    with opened as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += len(batch)
    return count


Writer = Callable[[IO[bytes], Any, Iterator[Any]], int]
FORMATS: Final[Mapping[str, Writer]] = {".csv": _csv, ".parquet": _parquet, ".jsonl": _json_lines}
