"""`/sql?query=…`: a query over the tables of the lake, as `stemma sql` runs it."""

from __future__ import annotations

import threading
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.errors import UserError
from lake.exit_codes import ExitCode
from review.errors import FAILURES, ReviewError
from review.sql import cells, engine
from review.sql.limits import LONGEST, QueryLimits
from review.sql.named import TABLES
from review.ui import app_state, render

BOUNDS: Final = QueryLimits(rows=200, result_bytes=16 << 20, seconds=20.0)
"""What a query of the page may take; `stemma sql` may take more."""
COLUMNS: Final = 40
"""Columns that are shown."""
EXAMPLES: Final = (
    "SELECT round, count(*) AS samples FROM samples('REF') GROUP BY ALL ORDER BY ALL",
    "SELECT expectation, verdict, count(*) AS rows FROM verdicts('REF') GROUP BY ALL ORDER BY ALL",
    "SELECT decision, s.* FROM decisions('REF') JOIN scores('REF') s USING (round, row) LIMIT 20",
)
_RUNNING: Final = threading.Lock()
"""Held by the one query that runs at a time."""


class BusyError(ReviewError, kind="busy", exit_code=ExitCode.TRY_AGAIN):
    """Another query runs."""


def show(request: Request) -> Response:
    """Show the form, and the result of the query in the address."""
    state = app_state.of(request)
    query = request.query_params.get("query", "").strip()
    dataset = request.query_params.get("dataset") or next(iter(state.params.datasets), None)
    values: dict[str, Any] = {"names": [], "rows": [], "cut": None, "error": None, "more": 0}
    status = 200
    if query:
        try:
            values |= _run(state, query)
        except FAILURES as error:
            values["error"] = str(error)
            status = 503 if isinstance(error, BusyError) else 400
    return render.page(
        request,
        "sql.html.j2",
        status=status,
        dataset=dataset,
        query=query,
        tables=TABLES,
        examples=_examples(state, dataset),
        longest=LONGEST,
        bounds=BOUNDS,
        **values,
    )


def _run(state: app_state.AppState, query: str) -> dict[str, Any]:
    if not _RUNNING.acquire(blocking=False):
        raise BusyError("another query runs; wait until it ends")
    try:
        with engine.answered(state.lake, state.params, query, BOUNDS) as answer:
            rows = [
                [cells.cell(value) for value in row[:COLUMNS]]
                for row in cells.rows(answer.batches())
            ]
            names = answer.schema.names
    finally:
        _RUNNING.release()
    return {
        "names": names[:COLUMNS],
        "rows": rows,
        "cut": answer.cut,
        "more": max(len(names) - COLUMNS, 0),
    }


def _examples(state: app_state.AppState, dataset: str | None) -> list[str]:
    """Queries over the last published version of a data set."""
    if dataset is None:
        return []
    try:
        published = app_state.dataset_rounds(state, dataset).rounds
    except UserError:
        published = []
    ref = str(published[-1]["tag"]) if published and published[-1]["tag"] else refs.MAIN
    named = f"'{ref}'" if ref != refs.MAIN else f"'{ref}', '{dataset}'"
    return [example.replace("'REF'", named) for example in EXAMPLES]
