"""Handlers of purges, which are this server's own calls, for `stemma takedown`."""

from __future__ import annotations

from dataclasses import asdict

from lake.server.catalog import tombstones
from lake.server.http.app_state import AppState
from lake.server.http.bodies import PurgeRequest
from lake.server.http.requests import Request, Result
from lake.server.maintenance import purge
from lake.server.maintenance.purge import Asked, Replacement


def purge_objects(app: AppState, request: Request, body: PurgeRequest) -> Result:
    """Purge objects, so that every version reads the cleaned ones."""
    replacements = [
        Replacement(item.sha256, app.store.staging_address(item.file), item.rows)
        for item in body.replacements
    ]
    asked = Asked(body.take_down, request.user, body.statement, replacements)
    return Result(200, asdict(purge.purge(app.catalog.database, app.store, asked)))


def list_tombstones(app: AppState, _request: Request) -> Result:
    """All purges and the tombstones that they left."""
    database = app.catalog.database
    return Result(
        200,
        {
            "purges": [asdict(item) for item in tombstones.purges(database.connection)],
            "tombstones": [asdict(item) for item in database.tombstones],
        },
    )
