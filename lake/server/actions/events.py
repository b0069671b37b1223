"""Events: what hooks are told of, and the JSON in which they are told it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from lake.server.catalog.commits import Commit


class EventType(StrEnum):
    """The events of lakeFS that actions can be `on` here."""

    PRE_COMMIT = "pre-commit"
    POST_COMMIT = "post-commit"
    PRE_MERGE = "pre-merge"
    POST_MERGE = "post-merge"
    PRE_CREATE_BRANCH = "pre-create-branch"
    POST_CREATE_BRANCH = "post-create-branch"
    PRE_DELETE_BRANCH = "pre-delete-branch"
    POST_DELETE_BRANCH = "post-delete-branch"
    PRE_CREATE_TAG = "pre-create-tag"
    POST_CREATE_TAG = "post-create-tag"
    PRE_DELETE_TAG = "pre-delete-tag"
    POST_DELETE_TAG = "post-delete-tag"


LEFT_OUT: Final = (
    "prepare-commit",
    "pre-revert",
    "post-revert",
    "pre-cherry-pick",
    "post-cherry-pick",
)
"""Events of lakeFS that do not occur here."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change that is about to be made, or was made.

    Actions are read from the tree `root`: that of the commit to be made, of a merge's source, or of
    the commit that a branch or tag points to.
    """

    type: EventType
    repository: str
    root: str = field(repr=False)
    branch: str = ""
    source_ref: str = ""
    commit_id: str = ""
    commit: Commit | None = None
    tag: str = ""
    merge_source: str = ""

    @property
    def made(self) -> str:
        """The commit that a record of the event names; before it is made there is none."""
        return "" if self.type in (EventType.PRE_COMMIT, EventType.PRE_MERGE) else self.commit_id

    def payload(self, action: str, hook: str) -> dict[str, Any]:
        """The body that a hook is sent, with the fields of lakeFS.

        Args:
            action: name of the action.
            hook: id of the hook.
        """
        optional = {
            "source_ref": self.source_ref,
            "tag_id": self.tag,
            "merge_source": self.merge_source,
            "commit_id": self.commit_id,
            "commit_metadata": dict(self.commit.metadata) if self.commit else {},
        }
        return {
            "event_type": str(self.type),
            "event_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "action_name": action,
            "hook_id": hook,
            "repository_id": self.repository,
            "branch_id": self.branch,
            "commit_message": self.commit.message if self.commit else "",
            "committer": self.commit.committer if self.commit else "",
            **{name: value for name, value in optional.items() if value},
        }
