"""Runs one query in a process of its own, and reads its result batch by batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lake.client import Lake
from pipelines.common.optional import library
from pipelines.inquiry.training.blocks import PartFiles
from pipelines.params import Params
from review.errors import QueryRefusedError, UsageError
from review.sql import limits, named
from review.sql.limits import QueryLimits, QueryRequest

if TYPE_CHECKING:
    import pyarrow as pa

EXTRA: Final = "sql"
KEPT: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
"""Variables of the environment that the process sees; credentials are not among them."""


@dataclass(slots=True, eq=False)
class Answer:
    """The result of a query, which is read once."""

    schema: pa.Schema
    _batches: Iterator[pa.RecordBatch]
    limits: QueryLimits
    cut: str | None = field(default=None, init=False)
    """Why rows are left out; None: none are. It is known when all batches were read."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, at most as many as the limits allow.

        Raises:
            QueryRefusedError: DuckDB stopped, or the query took too much.
        """
        left = self.limits.rows
        for batch in self._batches:
            if len(batch) > left:
                self.cut = f"only the first {self.limits.rows:,} rows are shown"
            if left:
                yield batch.slice(0, left)
            left -= min(left, len(batch))

    def table(self) -> pa.Table:
        """All rows."""
        import pyarrow as pa  # noqa: PLC0415  slow to import

        return pa.Table.from_batches(self.batches(), self.schema)


@contextmanager
def answered(
    lake: Lake, params: Params, query: str, bounds: QueryLimits | None = None
) -> Iterator[Answer]:
    """Run a query over the tables of a lake that it names.

    Args:
        lake: the lake.
        params: settings of the project.
        query: one SELECT of DuckDB's SQL.
        bounds: what it may take.

    Raises:
        LibraryError: DuckDB is not installed.
        UsageError: the query is too long or no text, or a ref holds several data sets.
        NotFoundError: there is no such ref or table.
        QueryRefusedError: DuckDB refuses the query, or it took too much.
    """
    library("duckdb", "queries", extra=EXTRA)
    if len(query) > limits.LONGEST:
        raise UsageError(f"a query has at most {limits.LONGEST:,} characters")
    if query != query.encode(errors="replace").decode():
        raise UsageError("a query is text in UTF-8, and this one is not")
    own = bounds or QueryLimits()
    with tempfile.TemporaryDirectory(prefix="stemma-sql-") as folder:
        held = {
            each.name: named.files(lake, params, each, Path(folder)) for each in named.find(query)
        }  # until the end: what was fetched of a served lake lasts as long as these
        tables = {
            name: [path for part in parts for path in _paths(part)] for name, parts in held.items()
        }
        with _process(_request(query, tables, own), own) as answer:
            yield answer


def _paths(part: PartFiles | str) -> list[str]:
    return [part] if isinstance(part, str) else part.paths()


def _request(query: str, tables: dict[str, list[str]], own: QueryLimits) -> QueryRequest:
    return QueryRequest(
        query=query,
        tables=tables,
        names=list(named.TABLES),
        rows=own.rows,
        result_bytes=own.result_bytes,
        memory_bytes=own.memory_bytes,
        threads=own.threads,
        seconds=own.seconds,
    )


@contextmanager
def _process(request: QueryRequest, own: QueryLimits) -> Iterator[Answer]:
    """Start the process, and kill it when its time is over or nobody reads it any more."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    late = threading.Event()
    with subprocess.Popen(
        [sys.executable, "-P", "-W", "ignore", "-m", "review.sql.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,  # it writes less than a pipe holds
        env=environment,
    ) as process:

        def kill() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(own.seconds, kill)
        watch.daemon = True
        watch.start()
        try:
            assert process.stdin is not None  # noqa: S101  for the type
            with suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(json.dumps(request).encode())
            yield _answer(process, late, own)
        finally:
            watch.cancel()
            process.kill()


def _answer(process: subprocess.Popen[bytes], late: threading.Event, own: QueryLimits) -> Answer:
    import pyarrow as pa  # noqa: PLC0415  slow to import

    try:
        reader = pa.ipc.open_stream(process.stdout)
    except (pa.ArrowException, OSError):  # the latter where it ended within a batch
        raise _refused(process, late, own) from None

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except (pa.ArrowException, OSError):  # the latter where it ended within a batch
            raise _refused(process, late, own) from None
        code = process.wait()
        if code == limits.CUT:
            answer.cut = (
                f"the result is larger than {own.result_bytes >> 20} MiB; the rest is left out"
            )
        elif code:
            raise _refused(process, late, own)

    answer = Answer(reader.schema, batches(), own)
    return answer


def _refused(
    process: subprocess.Popen[bytes], late: threading.Event, own: QueryLimits
) -> QueryRefusedError:
    """Why a process ended without a whole result."""
    code = process.wait()
    if late.is_set():
        return QueryRefusedError(f"the query was ended after {own.seconds:g} seconds")
    if code == limits.REFUSED:
        said = b"" if process.stderr is None else process.stderr.read(limits.SAID)
        text = said.decode(errors="replace").strip()
        return QueryRefusedError(f"the query is refused: {text}")
    return QueryRefusedError("the query was ended: it took more memory or time than it may")
