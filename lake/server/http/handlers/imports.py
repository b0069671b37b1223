"""Handlers of imports: files beside the lake become objects of a branch."""

from __future__ import annotations

from typing import Any

from lake.errors import InvalidError
from lake.server.catalog.imports import DEFAULT_TYPE, Import, Location
from lake.server.catalog.validation import check_key
from lake.server.http import representations
from lake.server.http.handlers.objects import printable
from lake.server.http.requests import Answer, Call, Services


def start_import(lake: Services, call: Call) -> Answer:
    """Begin an import; the answer is its id."""
    places = [_location(lake, item) for item in call.objects("paths")]
    if not places:
        raise InvalidError("`paths` is empty: there is nothing to import")
    said = call.inner("commit")
    name = lake.imports.start(
        call.repository,
        call.branch,
        places,
        said.note("Import objects"),
        allow_empty=str(said.body.get("allow_empty")).lower() == "true",
    )
    return Answer(202, {"id": name})


def import_status(lake: Services, call: Call) -> Answer:
    """How far an import is."""
    found = lake.imports.status(call.repository, call.branch, call.needed("id"))
    return Answer(200, _status(found))


def cancel_import(lake: Services, call: Call) -> Answer:
    """Stop an import."""
    lake.imports.cancel(call.repository, call.branch, call.needed("id"))
    return Answer(204)


def stage_object(lake: Services, call: Call) -> Answer:
    """Put a file beside the lake under a path; its bytes are taken over and hashed here."""
    check_key(call.object_path)
    place = lake.imports.location("object", call.text("physical_address"), call.object_path)
    lake.versions.head(call.repository, call.branch)
    found = lake.imports.take(place)
    entry = lake.content.stage(
        call.repository,
        call.branch,
        call.object_path,
        found,
        content_type=printable(call.optional("content_type")) or DEFAULT_TYPE,
        metadata={
            printable(name.lower()): text for name, text in call.metadata("metadata").items()
        },
        only_new=False,
    )
    return Answer(201, representations.stats(call.object_path, entry, lake.store))


def _location(lake: Services, item: Call) -> Location:
    kind, destination = item.text("type"), item.optional("destination")
    if kind == "object" or destination:
        check_key(destination)
    return lake.imports.location(kind, item.text("path"), destination)


def _status(found: Import) -> dict[str, Any]:
    status: dict[str, Any] = {
        "completed": found.commit is not None,
        "update_time": found.updated.isoformat(),
        "ingested_objects": found.done,
    }
    if found.commit is not None:
        status["commit"] = representations.commit(found.commit)
        status["metarange_id"] = found.commit.root
    if found.error:
        status["error"] = {"message": found.error}
    return status
