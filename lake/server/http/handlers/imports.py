"""Handlers of imports: files beside the lake become objects of a branch."""

from __future__ import annotations

from typing import Any

from lake.errors import InvalidError
from lake.server.catalog.imports import Import, Location
from lake.server.catalog.object_service import DEFAULT_TYPE
from lake.server.catalog.validation import check_key
from lake.server.http import representations
from lake.server.http.app_state import AppState
from lake.server.http.bodies import ImportCreation, ImportLocation
from lake.server.http.requests import Request, Result
from lake.server.http.staging_bodies import ObjectStageCreation


def start_import(app: AppState, request: Request, body: ImportCreation) -> Result:
    """Begin an import; the result is its id."""
    name = app.imports.start(
        request.repository,
        request.branch,
        [_location(app, item) for item in body.paths],
        body.commit.commit_message(request.user, "Import objects"),
        allow_empty=body.commit.allow_empty,
    )
    return Result(202, {"id": name})


def import_status(app: AppState, request: Request) -> Result:
    """How far an import is."""
    task = app.imports.status(request.repository, request.branch, request.required("id"))
    return Result(200, _status(task))


def cancel_import(app: AppState, request: Request) -> Result:
    """Stop an import."""
    app.imports.cancel(request.repository, request.branch, request.required("id"))
    return Result(204)


def stage_object(app: AppState, request: Request, body: ObjectStageCreation) -> Result:
    """Put a file beside the lake under a path; its bytes are taken over and hashed here."""
    check_key(request.object_path)
    location = app.imports.location("object", body.physical_address, request.object_path)
    app.versions.head(request.repository, request.branch)
    try:
        stored = app.imports.store_file(location.source)
    except OSError as error:
        raise InvalidError(f"{body.physical_address} cannot be read: {error.strerror}") from error
    entry = app.objects.stage(
        request.repository,
        request.branch,
        request.object_path,
        stored,
        content_type=body.content_type or DEFAULT_TYPE,
        metadata=body.metadata,
    )
    return Result(201, representations.stats(request.object_path, entry, app.store))


def _location(app: AppState, item: ImportLocation) -> Location:
    if item.type == "object" or item.destination:
        check_key(item.destination)
    return app.imports.location(item.type, item.path, item.destination)


def _status(task: Import) -> dict[str, Any]:
    status: dict[str, Any] = {
        "completed": task.commit is not None,
        "update_time": task.updated.isoformat(),
        "ingested_objects": task.done,
    }
    if task.commit is not None:
        status["commit"] = representations.commit(task.commit)
        status["metarange_id"] = task.commit.root
    if task.error:
        status["error"] = {"message": task.error}
    return status
