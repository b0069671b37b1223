"""The handler of garbage collection, which is this server's own call, for `stemma lake gc`."""

from __future__ import annotations

from dataclasses import asdict

from lake.server.http.app_state import AppState
from lake.server.http.bodies import GarbageCollection
from lake.server.http.requests import Request, Result
from lake.server.maintenance import gc


def collect_garbage(app: AppState, request: Request, body: GarbageCollection) -> Result:
    """Free what is not reachable."""
    freed = gc.collect(
        app.catalog.database,
        app.store,
        keep=body.keep_seconds,
        also=body.also,
        dry_run=body.dry_run or request.flag("dry_run"),
    )
    return Result(200, asdict(freed))
