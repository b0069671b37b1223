"""JSON bodies that the API takes, as pydantic models, which also describe them.

The names and fields are lakeFS's own; the types of the fields are in `body_fields`, and the bodies
about bytes that do not come through the API in `staging_bodies`. As lakeFS's clients expect, a
field that this server does not know is passed over.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StrictInt,
    model_validator,
)

from lake.server.catalog.commits import CommitMessage
from lake.server.catalog.pagination import MAX_PAGE
from lake.server.catalog.validation import REPOSITORY
from lake.server.http.body_fields import (
    MAX_DATE,
    Date,
    Flag,
    Metadata,
    ObjectMetadata,
    OptionalText,
    ParentNumber,
    Text,
    Texts,
    or_empty_mapping,
)
from lake.server.maintenance import gc
from lake.server.storage.reading import SCHEME

MANY_BYTES: Final = 16 << 20
"""Largest body that lists many paths."""


class Body(BaseModel):
    """A JSON object; its schema is built when it is first read, since a start waits for none."""

    model_config = ConfigDict(frozen=True, defer_build=True)
    max_bytes: ClassVar[int] = 1 << 20
    """Largest body; that of a list of many paths may be larger, that of a login need not."""


def max_bytes(model: type[BaseModel] | None) -> int:
    """The largest body of an operation that takes such a model, or None."""
    return int(getattr(model, "max_bytes", Body.max_bytes))


class StatisticsEvents(Body):
    """A client's report of its use, of which nothing is read."""


class GarbageCollection(Body):
    """A garbage collection: how many seconds it keeps commits for, and which ones besides."""

    keep_seconds: Annotated[StrictInt, Field(ge=0, le=MAX_DATE)] = gc.KEEP
    also: Texts = []
    dry_run: Flag = False


class Replacement(Body):
    """An object to purge, and the file in the staging area whose bytes are read instead."""

    sha256: Text
    file: Text
    rows: Annotated[StrictInt, Field(ge=0)] = 0


class PurgeRequest(Body):
    """Objects to purge for a take-down, and a statement that is kept with their tombstones."""

    max_bytes: ClassVar[int] = 64 << 20
    take_down: Text
    statement: OptionalText = ""
    replacements: list[Replacement]


class LoginInformation(Body):
    """A key pair."""

    max_bytes: ClassVar[int] = 4096
    access_key_id: Text
    secret_access_key: Text


class KeyCreation(Body):
    """A key pair to make."""

    name: Text
    role: Literal["admin", "writer", "reader"]
    repositories: Texts = []


class RepositoryCreation(Body):
    """A repository to create."""

    name: Annotated[Text, Field(json_schema_extra={"pattern": f"^{REPOSITORY.pattern}$"})]
    storage_namespace: Annotated[Text, Field(pattern=f"^{SCHEME}")]
    storage_id: Literal[""] = ""
    default_branch: OptionalText = ""
    sample_data: Flag = False
    read_only: Flag = False

    @model_validator(mode="after")
    def _samples_can_be_written(self) -> Self:
        if self.read_only and self.sample_data:
            raise ValueError("a read-only repository takes no sample data")
        return self


class RepositoryMetadataSet(Body):
    """Metadata to add to a repository."""

    metadata: Metadata = {}


class RepositoryMetadataKeys(Body):
    """Keys of metadata to remove."""

    keys: Texts


class BranchProtectionRule(Body):
    """A pattern of names of branches that take changes by merge only."""

    pattern: Text


class BranchProtectionRules(RootModel[list[BranchProtectionRule]]):
    """All patterns of a repository."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class BranchProtectionRemoval(Body):
    """A pattern to remove; all of them where none is given."""

    pattern: OptionalText = ""


class BranchCreation(Body):
    """A branch to create at a ref."""

    name: Text
    source: Text
    force: Flag = False
    hidden: Flag = False


class ResetCreation(Body):
    """Which uncommitted changes to forget."""

    type: Annotated[
        Literal["reset", "common_prefix", "object"],
        BeforeValidator(lambda value: value or "reset"),
    ] = "reset"
    path: OptionalText = ""
    force: Flag = False

    @model_validator(mode="after")
    def _path_is_given(self) -> Self:
        if self.type != "reset" and not self.path:
            raise ValueError(f"a reset of type {self.type!r} needs a path")
        return self


class CommitOverrides(Body):
    """Message, metadata and date of a commit, in place of the default ones."""

    message: OptionalText = ""
    metadata: Metadata = {}
    date: Date = None

    def commit_message(self, committer: str, default: str = "") -> CommitMessage:
        """The message of the commit to make, with a text for where none is given."""
        return CommitMessage(self.message or default, committer, self.metadata, self.date)


Overrides = Annotated[CommitOverrides, BeforeValidator(or_empty_mapping)]


class CommitCreation(CommitOverrides):
    """A commit of the staged changes."""

    message: Text
    allow_empty: Flag = False
    force: Flag = False


class ImportCommit(CommitOverrides):
    """The commit of an import."""

    allow_empty: Flag = False


class Merge(CommitOverrides):
    """A merge of a ref into a branch."""

    strategy: OptionalText = ""
    force: Flag = False
    allow_empty: Flag = False
    squash_merge: Flag = False


class _ChangeOfCommit(Body):
    """What a commit changed; of a merge, seen from one of its parents."""

    ref: Text
    parent_number: ParentNumber = 0
    commit_overrides: Overrides = Field(default_factory=CommitOverrides)


class RevertCreation(_ChangeOfCommit):
    """A commit to undo; of a merge, seen from one of its parents."""

    allow_empty: Flag = False
    force: Flag = False


class CherryPickCreation(_ChangeOfCommit):
    """A commit to repeat; of a merge, seen from one of its parents."""

    force: Flag = False


class TagCreation(Body):
    """A tag to create at a ref."""

    id: Text
    ref: Text
    force: Flag = False


class PathList(Body):
    """Paths of objects."""

    max_bytes: ClassVar[int] = MANY_BYTES
    paths: Annotated[Texts, Field(max_length=MAX_PAGE)]


class ObjectCopyCreation(Body):
    """An object to stage under another path."""

    src_path: Text
    src_ref: OptionalText = ""
    force: Flag = False
    shallow: Flag = False


class UpdateObjectUserMetadata(Body):
    """User metadata that replaces what an object has."""

    metadata: ObjectMetadata = Field(default={}, alias="set")


class ImportLocation(Body):
    """A file or directory to import, and its destination on the branch."""

    type: Literal["object", "common_prefix"]
    path: Text
    destination: OptionalText = ""


class ImportCreation(Body):
    """Files and directories beside the lake to import in one commit."""

    max_bytes: ClassVar[int] = MANY_BYTES
    paths: Annotated[list[ImportLocation], Field(min_length=1)]
    commit: Annotated[ImportCommit, BeforeValidator(or_empty_mapping)] = Field(
        default_factory=ImportCommit
    )
    force: Flag = False
