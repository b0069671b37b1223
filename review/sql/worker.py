"""The process of one query: registers tables, locks DuckDB, and writes the result to a pipe.

It is started as `python -m review.sql.worker`, without the lake's credentials, and reads its
request from standard input. What a query could do else is refused three times: only one SELECT is
run; DuckDB is told that no file, network address, extension or setting may be reached, and that
this is final; and the system lets the process write no file, and take only so much memory and
processor time. Whoever started it kills it when its time is over.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Never

from review.sql.limits import CUT, REFUSED, SAID, QueryRequest

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

OWN: Final = 1 << 30
"""Bytes that the process may take beside DuckDB's memory and what its libraries reserve."""
BATCH: Final = 2_048
"""Rows that are written at once."""


def main() -> None:
    """Answer the query that standard input holds."""
    request: QueryRequest = json.loads(sys.stdin.buffer.read())
    import duckdb  # noqa: PLC0415  the caller has said where it is missing
    import pyarrow as pa  # noqa: PLC0415  what it reserves is counted below
    import pyarrow.dataset  # noqa: PLC0415

    _bound(request)
    try:
        connection = connected(request)
        _write(reader(connection, request["query"]), request)
    except (duckdb.Error, pa.ArrowException) as error:
        refuse(explained(error, request["names"]))
    except MemoryError:
        refuse("it takes more memory than a query may")


def connected(request: QueryRequest) -> duckdb.DuckDBPyConnection:
    """Open an empty database that knows the tables of a request and can reach nothing else."""
    import duckdb  # noqa: PLC0415  as above

    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{request['memory_bytes'] >> 20}MiB",
            "threads": request["threads"],
            "temp_directory": "",
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
        },
    )
    for name, paths in request["tables"].items():
        _register(connection, name, paths)
    for name in request["names"]:
        connection.execute(
            f"CREATE MACRO {name}(ref) AS TABLE (FROM query_table('{name}@' || hex(ref))), (ref, "
            f"dataset) AS TABLE (FROM query_table('{name}@' || hex(ref) || '@' || hex(dataset)))"
        )
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def reader(connection: duckdb.DuckDBPyConnection, query: str) -> pa.RecordBatchReader:
    """Run one SELECT; anything else is refused."""
    import duckdb  # noqa: PLC0415  as above

    statements = connection.extract_statements(query)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        refuse("only one SELECT is answered")
    return connection.sql(query).to_arrow_reader(BATCH)


def _register(connection: duckdb.DuckDBPyConnection, name: str, paths: list[str]) -> None:
    """Register Parquet files as one table; a column that some files lack is null in their rows."""
    import pyarrow.dataset as ds  # noqa: PLC0415  as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(pq.read_schema(path).remove_metadata().to_string(), []).append(path)
    parts = []
    for index, group in enumerate(groups.values()):
        part = f"{name}@part{index}"
        connection.register(part, ds.dataset(group, format="parquet"))
        parts.append(f"FROM {_quoted(part)}")
    whole = " UNION ALL BY NAME ".join(parts)
    connection.execute(f"CREATE VIEW {_quoted(name)} AS {whole}")


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _bound(request: QueryRequest) -> None:
    """Let the system hold this process to its limits."""
    seconds = int(request["seconds"] * request["threads"]) + 1
    bounds = {
        resource.RLIMIT_DATA: _reserved() + request["memory_bytes"] + OWN,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in bounds.items():
        hard = resource.getrlimit(what)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


def _reserved() -> int:
    """Bytes of data that this process has reserved, most of which it does not use."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    sizes = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(sizes[0]) << 10


def _write(result: pa.RecordBatchReader, request: QueryRequest) -> None:
    """Write batches, at most one row more than is wanted, until they are too large."""
    import pyarrow as pa  # noqa: PLC0415  as above

    rows, room = request["rows"] + 1, request["result_bytes"]
    cut = False
    with pa.ipc.new_stream(sys.stdout.buffer, result.schema) as out:
        for batch in result:
            kept = batch.slice(0, rows)
            room -= kept.nbytes
            if room < 0:
                cut = True
                break
            out.write_batch(kept)
            rows -= len(kept)
            if rows <= 0:
                break
    sys.stdout.buffer.flush()
    if cut:
        sys.exit(CUT)


def explained(error: Exception, names: Sequence[str]) -> str:
    """What DuckDB says, or, of a table that is not registered, how one is named."""
    said = str(error).partition("\n")[0]
    if re.match(rf"Catalog Error: Table with name ({'|'.join(names)})@", said):
        return "the ref of a table is written as a text, as in samples('main')"
    return said


def refuse(why: str) -> Never:
    """End with a sentence on standard error, which a pipe holds before anybody reads it."""
    sys.stderr.write(why[:SAID])
    sys.exit(REFUSED)


if __name__ == "__main__":
    main()
