"""What one query may take, and the request that its process is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict

LONGEST: Final = 20_000
"""Characters of a query."""
CUT: Final = 4
"""Exit code of a process that stopped because its result is too large."""
REFUSED: Final = 3
"""Exit code of a process that refused a query; standard error says why."""
SAID: Final = 2_000
"""Characters, and then bytes, of what the process says on standard error that are kept."""


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What one query may take."""

    rows: int = 1_000
    """Rows of the result; further ones are left out."""
    result_bytes: int = 64 << 20
    """Bytes of the result in memory."""
    memory_bytes: int = 1 << 30
    """Memory of DuckDB; the process may take 1 GiB more for itself."""
    threads: int = 2
    seconds: float = 60.0
    """By the clock, until the process is killed."""


class QueryRequest(TypedDict):
    """What the process reads from standard input, as JSON."""

    query: str
    tables: dict[str, list[str]]
    """Parquet files of each table, by its name: `samples@` and its ref in hex."""
    names: list[str]
    """Names of the functions: `samples`."""
    rows: int
    result_bytes: int
    memory_bytes: int
    threads: int
    seconds: float
