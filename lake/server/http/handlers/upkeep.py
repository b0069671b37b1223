"""Handlers of upkeep, which lakeFS does not have: they are this server's own, for `stemma lake`."""

from __future__ import annotations

from dataclasses import asdict

from lake.errors import InvalidError
from lake.server.http.requests import Answer, Call, Services
from lake.server.maintenance import gc


def collect_garbage(lake: Services, call: Call) -> Answer:
    """Free what nothing leads to."""
    keep, also = call.body.get("keep_seconds", gc.KEEP), call.body.get("also", [])
    if not isinstance(keep, int) or keep < 0:
        raise InvalidError("keep_seconds must be a number of seconds")
    if not isinstance(also, list) or not all(isinstance(name, str) for name in also):
        raise InvalidError("`also` must list commit ids")
    freed = gc.collect(
        lake.catalog.database, lake.store, keep=keep, also=also, dry_run=call.flag("dry_run")
    )
    return Answer(200, asdict(freed))
