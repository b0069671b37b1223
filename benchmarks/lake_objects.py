"""What an object costs in a large listing and a large commit: the server's own functions.

They run in this process, without a client and without HTTP, so that processor time per object can
be compared between releases: run the same part with another checkout on `PYTHONPATH`, by turns.
"""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.lake_history import MESSAGE, staged_entries
from benchmarks.measured import Row, check, measured
from benchmarks.served import REPOSITORY
from lake.home import LakeHome
from lake.server import __main__ as server
from lake.server.__main__ import open_lake
from lake.server.http.app_state import AppState
from lake.server.http.handlers import objects
from lake.server.http.requests import Request
from lake.server.http.responses import to_response

WAY: Final = "the server's functions in process"


def each(scratch: Path, size: int) -> Iterator[Row]:
    """List what is staged, commit it, and list it again."""
    home = LakeHome(scratch / "lake-objects")
    home.path.mkdir()
    app = open_lake(home)
    app.versions.create_repository(
        REPOSITORY, f"local://{REPOSITORY}", "main", "benchmark", read_only=False
    )
    app.catalog.stage(REPOSITORY, "main", staged_entries(range(size)))
    gc.freeze()
    gc.set_threshold(*getattr(server, "SELDOM", gc.get_threshold()))  # as the server sets it
    yield _list(app, size, "staged", "staged")
    with measured() as taken:
        app.versions.commit_staged(REPOSITORY, "main", MESSAGE, allow_empty=False)
    yield Row("objects-commit", f"commit of {size:,} objects", WAY, taken, size)
    yield _list(app, size, "committed", "committed")
    yield _list(app, size, "again", "committed, read before")
    app.catalog.database.connection.close()
    shutil.rmtree(home.path)


def _list(app: AppState, size: int, key: str, state: str) -> Row:
    after, count = "", 0
    pages = []
    with measured() as taken:
        while not pages or after:
            query = {"amount": "1000", "after": after}
            asked = Request({"repository": REPOSITORY, "ref": "main"}, query, {}, app.keys.main)
            pages.append(to_response(objects.list_objects(app, asked)).body)
            tail = bytes(pages[-1][:200])  # the pagination comes first
            after = json.loads(tail[: tail.index(b"}") + 1] + b"}")["pagination"]["next_offset"]
    for page in pages:
        count += len(json.loads(bytes(page))["results"])
    check(count == size, f"{count} of {size} objects are listed")
    return Row(f"objects-list-{key}", f"list of {size:,} objects, {state}", WAY, taken, size)
