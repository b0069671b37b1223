"""Handlers of batches: many small objects in two calls, one for addresses and one to link them.

lakeFS's API has no such calls; the project's own client uses them on the embedded lake, where a
call for every object costs more than its bytes.
"""

from __future__ import annotations

from lake.server.catalog.object_service import DEFAULT_TYPE
from lake.server.http.app_state import AppState
from lake.server.http.requests import Request, Result
from lake.server.http.staging_bodies import BatchLink, BatchOffer


def offer_batch(app: AppState, request: Request, body: BatchOffer) -> Result:
    """Hand out an address for each path."""
    addresses = app.objects.offer_many(request.repository, request.branch, body.paths)
    return Result(200, {"addresses": addresses})


def link_batch(app: AppState, request: Request, body: BatchLink) -> Result:
    """Take over the bytes at the addresses; all become visible at once, or none."""
    app.objects.link_many(
        request.repository,
        request.branch,
        list(zip(body.paths, body.addresses, strict=True)),
        content_type=body.content_type or DEFAULT_TYPE,
    )
    return Result(204)
