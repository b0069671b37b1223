"""What is served: each operation with its handler, its query, its body and what it answers.

This is the one table behind the routes and the OpenAPI description.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lake.server.http.handlers import batches, imports, log, objects, refs, repositories, upkeep
from lake.server.http.handlers import config as server
from lake.server.http.requests import Answer, Call, Services

R: Final = "/repositories/{repository}"
B: Final = R + "/branches/{branch}"
PAGED: Final = ("prefix", "after", "amount")

Handler = Callable[[Services, Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the API.

    `query` names its query parameters, those that must be there with an exclamation mark; `body` is
    a schema of `openapi.py`; `direct` operations are refused on a protected branch.
    """

    method: str
    path: str
    handler: Handler
    query: tuple[str, ...] = ()
    body: str = ""
    status: int = 200
    direct: bool = False


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/healthcheck", server.healthcheck, status=204),
    Operation("GET", "/config", server.config),
    Operation("GET", "/config/version", server.version),
    Operation("GET", "/config/storage", server.storage),
    Operation("GET", "/setup_lakefs", server.setup_state),
    Operation("POST", "/_stemma/gc", upkeep.collect_garbage, ("dry_run",), "Upkeep"),
    Operation("POST", "/statistics", server.statistics, status=204, body="Anything"),
    Operation("GET", "/user", server.current_user),
    Operation("POST", "/auth/login", server.login, body="Login"),
    Operation("GET", "/repositories", repositories.list_repositories, PAGED),
    Operation(
        "POST", "/repositories", repositories.create_repository, ("bare",), "Repository", 201
    ),
    Operation("GET", R, repositories.get_repository),
    Operation("DELETE", R, repositories.delete_repository, ("force",), status=204),
    Operation("GET", R + "/metadata", repositories.get_metadata),
    Operation("POST", R + "/metadata", repositories.set_metadata, body="Metadata", status=201),
    Operation("DELETE", R + "/metadata", repositories.delete_metadata, body="Keys", status=204),
    Operation("GET", R + "/settings/branch_protection", repositories.get_protection),
    Operation(
        "PUT", R + "/settings/branch_protection", repositories.set_protection, (), "Rules", 204
    ),
    Operation(
        "DELETE", R + "/settings/branch_protection", repositories.remove_protection, status=204
    ),
    Operation("GET", R + "/branch_protection", repositories.get_protection),
    Operation("POST", R + "/branch_protection", repositories.add_protection, (), "Rule", 204),
    Operation("DELETE", R + "/branch_protection", repositories.remove_protection, (), "Rule", 204),
    Operation("GET", R + "/actions/runs", repositories.list_runs, ("after", "amount")),
    Operation("GET", R + "/branches", refs.list_branches, PAGED),
    Operation("POST", R + "/branches", refs.create_branch, (), "Branch", 201),
    Operation("GET", B, refs.get_branch),
    Operation("PUT", B, refs.reset_branch, (), "Reset", 204, direct=True),
    Operation("DELETE", B, refs.delete_branch, ("force",), status=204),
    Operation("PUT", B + "/hard_reset", refs.hard_reset_branch, ("ref!",), status=204, direct=True),
    Operation("POST", B + "/commits", refs.commit, (), "Commit", 201, direct=True),
    Operation("GET", B + "/diff", refs.diff_branch, (*PAGED, "delimiter")),
    Operation("POST", B + "/revert", refs.revert, (), "Revert", 204),
    Operation("POST", B + "/cherry-pick", refs.cherry_pick, (), "CherryPick", 201),
    Operation("PUT", B + "/objects", imports.stage_object, ("path!",), "Stage", 201, direct=True),
    Operation("DELETE", B + "/objects", objects.delete_object, ("path!",), status=204, direct=True),
    Operation("POST", B + "/objects/delete", objects.delete_objects, (), "Paths", direct=True),
    Operation(
        "POST", B + "/objects/copy", objects.copy_object, ("dest_path!",), "Copy", 201, direct=True
    ),
    Operation(
        "PUT",
        B + "/objects/stat/user_metadata",
        objects.update_metadata,
        ("path!",),
        "UserMetadata",
        201,
        direct=True,
    ),
    Operation("GET", B + "/staging/backing", objects.get_physical_address, ("path!", "presign")),
    Operation(
        "PUT",
        B + "/staging/backing",
        objects.link_physical_address,
        ("path!",),
        "Link",
        direct=True,
    ),
    Operation("POST", B + "/staging/batch", batches.offer_batch, (), "Paths"),
    Operation("PUT", B + "/staging/batch", batches.link_batch, (), "Links", 204, direct=True),
    Operation("POST", B + "/import", imports.start_import, (), "Import", 202, direct=True),
    Operation("GET", B + "/import", imports.import_status, ("id!",)),
    Operation("DELETE", B + "/import", imports.cancel_import, ("id!",), status=204),
    Operation("GET", R + "/tags", refs.list_tags, PAGED),
    Operation("POST", R + "/tags", refs.create_tag, (), "Tag", 201),
    Operation("GET", R + "/tags/{tag}", refs.get_tag),
    Operation("DELETE", R + "/tags/{tag}", refs.delete_tag, ("force",), status=204),
    Operation("GET", R + "/commits/{ref}", refs.get_commit),
    Operation(
        "GET",
        R + "/refs/{ref}/commits",
        log.log_commits,
        ("after", "amount", "objects", "prefixes", "limit", "first_parent", "since", "stop_at"),
    ),
    Operation(
        "GET",
        R + "/refs/{left}/diff/{right}",
        refs.diff_refs,
        (*PAGED, "delimiter", "type", "include_right_stats"),
    ),
    Operation("GET", R + "/refs/{source}/merge/{destination}", refs.find_merge_base),
    Operation("POST", R + "/refs/{source}/merge/{destination}", refs.merge, (), "Merge"),
    Operation(
        "GET",
        R + "/refs/{ref}/objects/ls",
        objects.list_objects,
        (*PAGED, "delimiter", "presign", "user_metadata"),
    ),
    Operation(
        "GET",
        R + "/refs/{ref}/objects/stat",
        objects.stat_object,
        ("path!", "presign", "user_metadata"),
    ),
    Operation(
        "GET",
        R + "/refs/{ref}/objects/underlyingProperties",
        objects.underlying_properties,
        ("path!",),
    ),
)
