"""What is served: each operation with its handler, its query parameters and its status.

This is the one table behind the routes and the OpenAPI description. The body of an operation is the
parameter `body` of its handler, a model in `bodies.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, get_type_hints

from pydantic import BaseModel

from lake.keys import Role
from lake.server.http.handlers import (
    actions,
    batches,
    config,
    garbage_collection,
    imports,
    keys,
    log,
    objects,
    purges,
    refs,
    repositories,
    signed_parts,
)
from lake.server.http.requests import Result

REPOSITORY: Final = "/repositories/{repository}"
BRANCH: Final = REPOSITORY + "/branches/{branch}"
RUNS: Final = REPOSITORY + "/actions/runs"
OBJECTS: Final = BRANCH + "/objects"
PARTS: Final = BRANCH + "/staging/pmpu"
REF_OBJECTS: Final = REPOSITORY + "/refs/{ref}/objects"
OWN: Final = "/_stemma/"
"""How the paths of calls begin that lakeFS does not have; they are for administrators."""
TOMBSTONES: Final = OWN + "tombstones"
"""Which objects were purged; whoever reads a lake holds what it was signed to hold against it."""
PUBLIC: Final = ("/healthcheck", "/auth/login", "/setup_lakefs")
"""What is answered without a key."""
PAGED: Final = ("prefix", "after", "amount")

Handler = Callable[..., Result]
"""Takes the `AppState`, the `Request`, and where the operation has one, the `body`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the API.

    `query` names its query parameters, those that must be given with an exclamation mark; `direct`
    operations are refused on a protected branch, and all that change a repository but for its
    metadata (`settings`) on a read-only one.
    """

    method: str
    path: str
    handler: Handler
    query: tuple[str, ...] = ()
    status: int = 200
    direct: bool = False
    settings: bool = False

    @property
    def changes_repository(self) -> bool:
        """Whether a read-only repository refuses it."""
        reads = self.method in ("GET", "OPTIONS") or self.settings
        return self.path.startswith(REPOSITORY) and not reads

    @property
    def is_public(self) -> bool:
        """Whether it needs no key."""
        return self.path in PUBLIC

    @property
    def role(self) -> Role:
        """The least role that may call it."""
        is_read = self.method in ("GET", "OPTIONS") and not self.path.endswith("/staging/backing")
        is_settings = "branch_protection" in self.path or self.path == REPOSITORY
        if self.path == TOMBSTONES:
            return Role.READER
        if self.path.startswith(OWN) or (is_settings and not is_read):
            return Role.ADMIN
        return Role.READER if is_read or self.path == "/statistics" else Role.WRITER

    @property
    def body(self) -> type[BaseModel] | None:
        """The model of its body, None where it takes none."""
        return _body_of(self.handler)


@cache
def _body_of(handler: Handler) -> type[BaseModel] | None:
    return get_type_hints(handler).get("body")


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/healthcheck", config.healthcheck, status=204),
    Operation("GET", "/config", config.config),
    Operation("GET", "/config/version", config.version),
    Operation("GET", "/config/storage", config.storage),
    Operation("GET", "/setup_lakefs", config.setup_state),
    Operation("POST", "/_stemma/gc", garbage_collection.collect_garbage, ("dry_run",)),
    Operation("POST", "/_stemma/purge", purges.purge_objects),
    Operation("GET", TOMBSTONES, purges.list_tombstones),
    Operation("GET", "/_stemma/keys", keys.list_keys),
    Operation("POST", "/_stemma/keys", keys.add_key, status=201),
    Operation("DELETE", "/_stemma/keys/{key}", keys.revoke_key, status=204),
    Operation("POST", "/statistics", config.statistics, status=204),
    Operation("GET", "/user", config.current_user),
    Operation("POST", "/auth/login", config.login),
    Operation("GET", "/repositories", repositories.list_repositories, (*PAGED, "search")),
    Operation("POST", "/repositories", repositories.create_repository, ("bare",), 201),
    Operation("GET", REPOSITORY, repositories.get_repository),
    Operation("DELETE", REPOSITORY, repositories.delete_repository, ("force",), 204),
    Operation("GET", REPOSITORY + "/metadata", repositories.get_metadata),
    Operation(
        "POST", REPOSITORY + "/metadata", repositories.set_metadata, status=204, settings=True
    ),
    Operation(
        "DELETE", REPOSITORY + "/metadata", repositories.delete_metadata, status=204, settings=True
    ),
    Operation("GET", REPOSITORY + "/settings/branch_protection", repositories.get_protection),
    Operation(
        "PUT", REPOSITORY + "/settings/branch_protection", repositories.set_protection, status=204
    ),
    Operation(
        "DELETE",
        REPOSITORY + "/settings/branch_protection",
        repositories.remove_protection,
        status=204,
    ),
    Operation("GET", REPOSITORY + "/branch_protection", repositories.get_protection),
    Operation("POST", REPOSITORY + "/branch_protection", repositories.add_protection, status=204),
    Operation(
        "DELETE", REPOSITORY + "/branch_protection", repositories.remove_protection, status=204
    ),
    Operation("GET", REPOSITORY + "/settings/gc_rules", repositories.get_gc_rules),
    Operation("GET", REPOSITORY + "/gc/rules", repositories.get_gc_rules),
    Operation("GET", RUNS, actions.list_runs, ("after", "amount", "branch", "commit")),
    Operation("GET", RUNS + "/{run}", actions.get_run),
    Operation("GET", RUNS + "/{run}/hooks", actions.list_run_hooks, ("after", "amount")),
    Operation("GET", RUNS + "/{run}/hooks/{hook_run}/output", actions.get_run_hook_output),
    Operation("GET", REPOSITORY + "/branches", refs.list_branches, (*PAGED, "show_hidden")),
    Operation("POST", REPOSITORY + "/branches", refs.create_branch, status=201),
    Operation("GET", BRANCH, refs.get_branch),
    Operation("PUT", BRANCH, refs.reset_branch, status=204, direct=True),
    Operation("DELETE", BRANCH, refs.delete_branch, ("force",), 204),
    Operation(
        "PUT", BRANCH + "/hard_reset", refs.hard_reset_branch, ("ref!", "force"), 204, direct=True
    ),
    Operation("POST", BRANCH + "/commits", refs.commit, ("source_metarange",), 201, direct=True),
    Operation("GET", BRANCH + "/diff", refs.diff_branch, (*PAGED, "delimiter")),
    Operation("POST", BRANCH + "/revert", refs.revert, status=204),
    Operation("POST", BRANCH + "/cherry-pick", refs.cherry_pick, status=201),
    Operation("OPTIONS", OBJECTS, objects.preflight, status=204),
    Operation("PUT", OBJECTS, imports.stage_object, ("path!",), 201, direct=True),
    Operation("DELETE", OBJECTS, objects.delete_object, ("path!", "force"), 204, direct=True),
    Operation("POST", OBJECTS + "/delete", objects.delete_objects, ("force",)),
    Operation("POST", OBJECTS + "/copy", objects.copy_object, ("dest_path!",), 201, direct=True),
    Operation(
        "PUT",
        OBJECTS + "/stat/user_metadata",
        objects.update_metadata,
        ("path!",),
        204,
        direct=True,
    ),
    Operation(
        "GET", BRANCH + "/staging/backing", objects.get_physical_address, ("path!", "presign")
    ),
    Operation(
        "PUT", BRANCH + "/staging/backing", objects.link_physical_address, ("path!",), direct=True
    ),
    Operation("POST", BRANCH + "/staging/batch", batches.offer_batch),
    Operation("PUT", BRANCH + "/staging/batch", batches.link_batch, status=204, direct=True),
    Operation("POST", PARTS, signed_parts.begin, ("path!", "parts"), 201, direct=True),
    Operation("PUT", PARTS + "/{upload}", signed_parts.complete, ("path!",), direct=True),
    Operation("DELETE", PARTS + "/{upload}", signed_parts.abort, ("path!",), 204),
    Operation("PUT", PARTS + "/{upload}/parts/{number}", signed_parts.sign_part, ("path!",)),
    Operation("POST", BRANCH + "/import", imports.start_import, status=202, direct=True),
    Operation("GET", BRANCH + "/import", imports.import_status, ("id!",)),
    Operation("DELETE", BRANCH + "/import", imports.cancel_import, ("id!",), 204),
    Operation("GET", REPOSITORY + "/tags", refs.list_tags, PAGED),
    Operation("POST", REPOSITORY + "/tags", refs.create_tag, status=201),
    Operation("GET", REPOSITORY + "/tags/{tag}", refs.get_tag),
    Operation("DELETE", REPOSITORY + "/tags/{tag}", refs.delete_tag, ("force",), 204),
    Operation("GET", REPOSITORY + "/commits/{ref}", refs.get_commit),
    Operation(
        "GET",
        REPOSITORY + "/refs/{ref}/commits",
        log.log_commits,
        ("after", "amount", "objects", "prefixes", "limit", "first_parent", "since", "stop_at"),
    ),
    Operation(
        "GET",
        REPOSITORY + "/refs/{left}/diff/{right}",
        refs.diff_refs,
        (*PAGED, "delimiter", "type", "include_right_stats"),
    ),
    Operation("GET", REPOSITORY + "/refs/{source}/merge/{destination}", refs.find_merge_base),
    Operation("POST", REPOSITORY + "/refs/{source}/merge/{destination}", refs.merge),
    Operation(
        "GET",
        REF_OBJECTS + "/ls",
        objects.list_objects,
        (*PAGED, "delimiter", "presign", "user_metadata"),
    ),
    Operation(
        "GET", REF_OBJECTS + "/stat", objects.stat_object, ("path!", "presign", "user_metadata")
    ),
    Operation(
        "GET", REF_OBJECTS + "/underlyingProperties", objects.underlying_properties, ("path!",)
    ),
)
