"""The JSON forms of the lakeFS API, as its clients' models expect them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lake.server.catalog.catalog import Ref, Repository
from lake.server.catalog.commits import Commit
from lake.server.catalog.content import Listed
from lake.server.catalog.entries import Difference, Entry
from lake.server.catalog.pagination import MAX_PAGE, Page
from lake.server.storage.objects import ObjectStore

Item = TypeVar("Item")
Signed = Callable[[str, Entry], tuple[str, int]]
"""Gives a signed address of an object, and when it expires (unix seconds)."""


def config(*, version: str, imports: bool) -> dict[str, Any]:
    """What a client asks first: the server's version and its store."""
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
        "pre_sign_multipart_upload": False,
        "import_support": imports,
        "import_validity_regex": "^local://",
    }


def listing(found: Page[Item], form: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
    """A page with its pagination."""
    return {
        "pagination": {
            "has_more": found.next is not None,
            "next_offset": found.next or "",
            "results": len(found.items),
            "max_per_page": MAX_PAGE,
        },
        "results": [form(item) for item in found.items],
    }


def repository(found: Repository) -> dict[str, Any]:
    """A repository."""
    return {
        "id": found.id,
        "creation_date": found.created,
        "default_branch": found.default_branch,
        "storage_namespace": found.namespace,
        "storage_id": "",
        "read_only": found.read_only,
    }


def ref(found: Ref) -> dict[str, Any]:
    """A branch or tag."""
    return {"id": found.name, "commit_id": found.commit}


def commit(found: Commit) -> dict[str, Any]:
    """A commit; its date in unix seconds."""
    return {
        "id": found.id,
        "parents": list(found.parents),
        "committer": found.committer,
        "message": found.message,
        "creation_date": found.created // 10**9,
        "meta_range_id": found.root,
        "metadata": dict(found.metadata),
        "generation": found.generation,
        "version": 1,
    }


def stats(
    path: str, entry: Entry, store: ObjectStore, signed: Signed | None = None
) -> dict[str, Any]:
    """An object; with `signed`, its address is one that anybody can read from for a while."""
    answer = {
        "path": path,
        "path_type": "object",
        "physical_address": store.address(entry.sha256),
        "checksum": entry.md5,
        "size_bytes": entry.size,
        "mtime": entry.mtime,
        "metadata": dict(entry.metadata),
        "content_type": entry.content_type,
    }
    if signed is not None:
        answer["physical_address"], answer["physical_address_expiry"] = signed(path, entry)
    return answer


def listed(found: Listed, store: ObjectStore, signed: Signed | None = None) -> dict[str, Any]:
    """A line of an object listing."""
    if found.entry is not None:
        return stats(found.path, found.entry, store, signed)
    return {
        "path": found.path,
        "path_type": "common_prefix",
        "physical_address": "",
        "checksum": "",
        "mtime": 0,
        "size_bytes": 0,
    }


def difference(found: Difference) -> dict[str, Any]:
    """A line of a diff; a removed object has size 0."""
    answer: dict[str, Any] = {
        "type": found.kind,
        "path": found.path,
        "path_type": "object",
        "size_bytes": found.right.size if found.right else 0,
    }
    if found.right is not None:
        answer["right"] = {
            "checksum": found.right.md5,
            "mtime": found.right.mtime,
            "content_type": found.right.content_type,
            "metadata": dict(found.right.metadata),
        }
    return answer


def prefix_changed(path: str) -> dict[str, Any]:
    """A folded line of a diff with a delimiter."""
    return {
        "type": "prefix_changed",
        "path": path,
        "path_type": "common_prefix",
        "size_bytes": 0,
    }
