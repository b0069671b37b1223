"""Values of the catalog as JSON of the lakeFS API, as its clients' models expect it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from lake.server.actions.runs import HookRun, Run
from lake.server.catalog.commits import Commit
from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.object_service import ListedPath
from lake.server.catalog.pagination import MAX_PAGE, Page
from lake.server.catalog.refs import Ref
from lake.server.catalog.repositories import Repository
from lake.server.storage.objects import ObjectStore

Item = TypeVar("Item")
AddressSigner = Callable[[str, Entry], tuple[str, int]]
"""Makes a signed address of an object; returns it and when it expires (unix seconds)."""


def config(*, version: str, imports: bool) -> dict[str, Any]:
    """The server's version and its store, which a client asks for first."""
    return {
        "version_config": {"version": version},
        "storage_config": storage(imports=imports),
        "storage_config_list": [],
    }


def storage(*, imports: bool) -> dict[str, Any]:
    """The store: local files, reached through the API or through signed addresses."""
    return {
        "blockstore_type": "local",
        "blockstore_namespace_example": "local://example",
        "blockstore_namespace_ValidityRegex": "^local://",
        "default_namespace_prefix": "local://",
        "pre_sign_support": True,
        "pre_sign_support_ui": False,
        "pre_sign_multipart_upload": True,
        "import_support": imports,
        "import_validity_regex": "^local://",
    }


def listing(part: Page[Item], to_json: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
    """A page with its pagination."""
    return {
        "pagination": {
            "has_more": part.next is not None,
            "next_offset": part.next or "",
            "results": len(part.items),
            "max_per_page": MAX_PAGE,
        },
        "results": [to_json(item) for item in part.items],
    }


def repository(record: Repository) -> dict[str, Any]:
    """A repository."""
    return {
        "id": record.id,
        "creation_date": record.created,
        "default_branch": record.default_branch,
        "storage_namespace": record.namespace,
        "storage_id": "",
        "read_only": record.read_only,
    }


def ref(record: Ref) -> dict[str, Any]:
    """A branch or tag."""
    return {"id": record.name, "commit_id": record.commit}


def commit(record: Commit) -> dict[str, Any]:
    """A commit; its date in unix seconds."""
    return {
        "id": record.id,
        "parents": list(record.parents),
        "committer": record.committer,
        "message": record.message,
        "creation_date": record.created // 10**9,
        "meta_range_id": record.root,
        "metadata": dict(record.metadata),
        "generation": record.generation,
        "version": 1,
    }


def run(record: Run) -> dict[str, Any]:
    """A run of actions."""
    return {
        "run_id": record.id,
        "branch": record.branch,
        "start_time": _time(record.started),
        "end_time": _time(record.ended),
        "event_type": record.event,
        "status": _status(passed=record.passed),
        "commit_id": record.commit,
    }


def hook_run(record: HookRun) -> dict[str, Any]:
    """A hook of a run; one that was skipped has failed at no time, as lakeFS says it."""
    return {
        "hook_run_id": record.id,
        "action": record.action,
        "hook_id": record.hook,
        "start_time": _time(record.started),
        "end_time": _time(record.ended),
        "status": _status(passed=record.passed),
    }


def _status(*, passed: bool) -> str:
    return "completed" if passed else "failed"


def _time(nanoseconds: int) -> str:
    """A time as RFC 3339; 0 stands for none, which is the first of all times."""
    if not nanoseconds:
        return "0001-01-01T00:00:00Z"
    moment = datetime.fromtimestamp(nanoseconds / 10**9, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def stats(
    path: str,
    entry: Entry,
    store: ObjectStore,
    signed: AddressSigner | None = None,
    *,
    metadata: bool = True,
) -> dict[str, Any]:
    """An object; with `signed`, its address is one that anybody can read from for a while."""
    fields: dict[str, Any] = {
        "path": path,
        "path_type": "object",
        "physical_address": store.address(entry.sha256),
        "checksum": entry.md5,
        "size_bytes": entry.size,
        "mtime": entry.mtime,
        "content_type": entry.content_type,
    }
    if metadata:
        fields["metadata"] = dict(entry.metadata)
    if signed is not None:
        fields["physical_address"], fields["physical_address_expiry"] = signed(path, entry)
    return fields


def listed(
    line: ListedPath,
    store: ObjectStore,
    signed: AddressSigner | None = None,
    *,
    metadata: bool = True,
) -> dict[str, Any]:
    """A line of an object listing."""
    if line.entry is not None:
        return stats(line.path, line.entry, store, signed, metadata=metadata)
    return {
        "path": line.path,
        "path_type": "common_prefix",
        "physical_address": "",
        "checksum": "",
        "mtime": 0,
        "size_bytes": 0,
    }


def difference(record: Difference, *, right: bool) -> dict[str, Any]:
    """A line of a diff, with the object on its right side where that is asked for.

    The size is that of the object that is there, or was there before it was removed.
    """
    shown = record.right or record.left
    fields: dict[str, Any] = {
        "type": record.kind,
        "path": record.path,
        "path_type": "object",
        "size_bytes": shown.size if shown else 0,
    }
    if right and record.right is not None:
        fields["right"] = {
            "checksum": record.right.md5,
            "mtime": record.right.mtime,
            "content_type": record.right.content_type,
            "metadata": dict(record.right.metadata),
        }
    return fields


def prefix_changed(path: str) -> dict[str, Any]:
    """A folded line of a diff with a delimiter."""
    return {
        "type": "prefix_changed",
        "path": path,
        "path_type": "common_prefix",
        "size_bytes": 0,
    }
