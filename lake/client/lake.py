"""One repository of a lake: its branches, commits, objects and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lake import refs, tables
from lake.client import records
from lake.client.connection import PAGE_SIZE, SLOW_SECONDS, Connection
from lake.client.transfer import Transfer, gateway_options
from lake.errors import (
    AmbiguousError,
    ConflictError,
    NotFoundError,
    RangeError,
    TooLargeError,
    refused,
)
from lake.values import Change, Commit, ObjectInfo

if TYPE_CHECKING:
    import polars as pl


class Lake:
    """One repository of a lake."""

    def __init__(self, connection: Connection, repository: str) -> None:
        """Bind a repository; use `connect` to get one."""
        self.connection = connection
        self.repository = repository
        self._transfer = Transfer(connection, repository)
        self._models = connection.models
        self._sdk = connection.sdk

    @property
    def endpoint(self) -> str:
        """Address of the lake, without the API's own path."""
        return self.connection.endpoint

    def on_server(self, ref: str) -> str:
        """A ref expression as the server knows it."""
        return ref

    # Repositories

    def ensure(self, namespace: str) -> int:
        """Create the repository where it is missing; return its creation in unix seconds."""
        api, call = self._sdk.repositories_api, self.connection.call
        try:
            repository = call(api.get_repository, self.repository)
        except NotFoundError:
            creation = self._models.RepositoryCreation(
                name=self.repository, storage_namespace=namespace, default_branch="main"
            )
            try:
                repository = call(api.create_repository, creation)
            except ConflictError:  # another clone was faster
                repository = call(api.get_repository, self.repository)
        return int(repository.creation_date)

    # Branches and tags

    def head(self, branch: str) -> str | None:
        """Commit id that a branch points to, or None when there is no such branch."""
        method = self._sdk.branches_api.get_branch
        try:
            ref = self.connection.call(method, self.repository, branch)
        except NotFoundError:
            return None
        return str(ref.commit_id)

    def branches(self, prefix: str = "") -> dict[str, str]:
        """Branch names with their commit ids, hidden branches too."""
        method = self._sdk.branches_api.list_branches
        listed = self.connection.pages(
            method, records.Refs, self.repository, prefix=prefix, show_hidden=True
        )
        return {ref.id: ref.commit_id for ref in listed}

    def set_branch(self, branch: str, commit: str) -> None:
        """Point a branch at a commit, creating it if needed and dropping uncommitted changes.

        A branch that moves is removed and made again; after a crash between, the next call makes
        it.

        Raises:
            ConflictError: another run made the branch meanwhile.
        """
        api, call = self._sdk.branches_api, self.connection.call
        head = Lake.head(self, branch)
        with suppress(NotFoundError):  # another run has removed it meanwhile
            if head == commit:
                reset = self._models.ResetCreation(type="reset")
                call(api.reset_branch, self.repository, branch, reset)
                return
            if head is not None:
                self.delete_branch(branch)
        creation = self._models.BranchCreation(name=branch, source=commit)
        call(api.create_branch, self.repository, creation)

    def delete_branch(self, branch: str) -> None:
        """Remove a branch; its commits stay reachable from whatever else points to them."""
        self.connection.call(self._sdk.branches_api.delete_branch, self.repository, branch)

    def tags(self, prefix: str = "") -> dict[str, str]:
        """Tag names with their commit ids."""
        method = self._sdk.tags_api.list_tags
        listed = self.connection.pages(method, records.Refs, self.repository, prefix=prefix)
        return {ref.id: ref.commit_id for ref in listed}

    def tag(self, name: str, commit: str) -> None:
        """Create a tag; tags never move."""
        creation = self._models.TagCreation(id=name, ref=commit)
        self.connection.call(self._sdk.tags_api.create_tag, self.repository, creation)

    # Commits

    def resolve(self, ref: str) -> Commit:
        """The commit behind a branch, tag, commit id or ref expression.

        Raises:
            AmbiguousError: it names the tag of a round, and a branch has the same name. lakeFS
                would take the branch, to which anybody may write.
        """
        self._refuse_ambiguous(refs.base(ref))
        method = self._sdk.commits_api.get_commit
        return _commit(self.connection.call(method, self.repository, ref))

    def _refuse_ambiguous(self, name: str) -> None:
        if not refs.TAG.match(name) or (head := self.head(name)) is None:
            return
        target = self.tags(name).get(name)
        if target is not None:
            raise AmbiguousError(
                f"{name} is a tag, at {target[:12]}, and a branch, at {head[:12]}; name the commit "
                f"that is meant, and delete the branch, for tags of rounds have such names"
            )

    def log(self, ref: str, *, first_parent: bool = False) -> Iterator[Commit]:
        """Commits reachable from a ref, newest first."""
        method = self._sdk.refs_api.log_commits
        listed = self.connection.pages(
            method, records.Commits, self.repository, ref, first_parent=first_parent
        )
        return (_commit(record) for record in listed)

    def commit(self, branch: str, message: str, metadata: Mapping[str, str]) -> Commit:
        """Commit what is staged on a branch; a commit without changes is allowed."""
        creation = self._models.CommitCreation(
            message=message, metadata=dict(metadata), allow_empty=True
        )
        method = self._sdk.commits_api.commit
        record = self.connection.call(
            method, self.repository, branch, creation, timeout=SLOW_SECONDS
        )
        return _commit(record)

    def merge(self, source: str, into: str, message: str, metadata: Mapping[str, str]) -> Commit:
        """Merge a ref into a branch.

        Raises:
            ConflictError: both sides changed the same path, or the branch moved meanwhile.
        """
        merge = self._models.Merge(message=message, metadata=dict(metadata), allow_empty=True)
        method = self._sdk.refs_api.merge_into_branch
        merged = self.connection.call(
            method, self.repository, source, into, merge=merge, timeout=SLOW_SECONDS
        )
        return self.resolve(merged.reference)

    def cherry_pick(
        self, branch: str, commit: str, message: str, metadata: Mapping[str, str]
    ) -> Commit:
        """Repeat what a commit changed on another branch.

        Raises:
            ConflictError: the branch changed the same paths.
        """
        overrides = self._models.CommitOverrides(message=message, metadata=dict(metadata))
        creation = self._models.CherryPickCreation(ref=commit, commit_overrides=overrides)
        method = self._sdk.branches_api.cherry_pick
        return _commit(self.connection.call(method, self.repository, branch, creation))

    def merge_base(self, source: str, destination: str) -> str:
        """Commit id of the best common ancestor."""
        method = self._sdk.refs_api.find_merge_base
        return str(
            self.connection.call(method, self.repository, source, destination).base_commit_id
        )

    def diff(
        self,
        left: str,
        right: str,
        *,
        prefix: str = "",
        three_dot: bool = True,
        checksums: bool = False,
    ) -> Iterator[Change]:
        """What changed from left to right: since their merge base (three-dot), or as trees.

        With `checksums`, what is added or changed has its checksum.
        """
        lines = self.connection.pages(
            self._sdk.refs_api.diff_refs,
            records.Changes,
            self.repository,
            left,
            right,
            prefix=prefix,
            type="three_dot" if three_dot else "two_dot",
            include_right_stats=checksums,
        )
        return (
            Change(
                line.path,
                line.type,
                line.size_bytes or 0,
                line.right.checksum if checksums and line.right else None,
            )
            for line in lines
        )

    # Objects

    def objects(self, ref: str, prefix: str = "") -> list[ObjectInfo]:
        """Objects under a prefix, in order of their paths."""
        method = self._sdk.objects_api.list_objects
        lines = self.connection.pages(method, records.Objects, self.repository, ref, prefix=prefix)
        return [
            ObjectInfo(line.path, line.checksum, line.size_bytes or 0, line.physical_address)
            for line in lines
        ]

    def read(self, ref: str, path: str, max_bytes: int | None = None) -> bytes:
        """Bytes of one object.

        Args:
            ref: branch, tag or commit.
            path: of the object.
            max_bytes: how large it may be; None: as large as it is.

        Raises:
            TooLargeError: it is larger.
        """
        method = self._sdk.objects_api.get_object
        part: dict[str, Any] = {} if max_bytes is None else {"range": f"bytes=0-{max_bytes}"}
        action = f"read {path} at {ref}"
        try:
            data = self.connection.call(method, self.repository, ref, path, action=action, **part)
        except RangeError:  # of an empty object
            return b""
        if max_bytes is not None and len(data) > max_bytes:
            raise TooLargeError(
                f"{path} at {ref} has more than {max_bytes:,} bytes; it was not written so"
            )
        return bytes(data)

    def write_bytes(
        self, branch: str, path: str, data: bytes, content_type: str = "application/octet-stream"
    ) -> None:
        """Stage one object on a branch."""
        self._transfer.write_bytes(branch, path, data, content_type)

    def write_many(
        self,
        branch: str,
        items: Mapping[str, bytes],
        content_type: str = "application/octet-stream",
    ) -> None:
        """Stage many objects on a branch; on the embedded lake a thousand take two calls."""
        self._transfer.write_many(branch, items, content_type)

    def delete(self, branch: str, paths: Iterable[str]) -> None:
        """Stage the removal of objects; absent ones are no error."""
        ordered = sorted(paths)
        method = self._sdk.objects_api.delete_objects
        for start in range(0, len(ordered), PAGE_SIZE):
            batch = self._models.PathList(paths=ordered[start : start + PAGE_SIZE])
            answer = self.connection.call(method, self.repository, branch, batch)
            for error in answer.errors or ():  # what lakeFS refuses of a batch, it says here
                raise refused(
                    f"delete {error.path} on {branch}", error.status_code, b"", error.message
                )

    # Tables

    def scan(self, ref: str, prefix: str) -> pl.LazyFrame:
        """All Parquet parts under a prefix as one lazy frame.

        Raises:
            NotFoundError: there is no Parquet part under the prefix.
        """
        parts = [item for item in self.objects(ref, prefix) if item.path.endswith(tables.SUFFIX)]
        if not parts:
            raise NotFoundError(f"there is no table under {prefix} at {ref} of {self.repository}")
        return self.scan_parts(ref, parts)

    def scan_parts(self, ref: str, parts: Sequence[ObjectInfo]) -> pl.LazyFrame:
        """Parquet parts of one schema that a ref holds, at least one, as one lazy frame.

        On the embedded lake the files are scanned in place, on a lakeFS over S3 through its S3
        gateway, and anywhere else the API carries their bytes.
        """
        paths = tables.paths_in_place(parts, self.connection.home)
        if paths is not None:
            return tables.scan(paths)
        if parts[0].address.startswith("s3://"):
            urls = [f"s3://{self.repository}/{ref}/{item.path}" for item in parts]
            return tables.scan(urls, gateway_options(self.connection))
        return tables.decode(self.read(ref, item.path) for item in parts)

    def write(self, branch: str, path: str, frame: pl.DataFrame) -> None:
        """Stage a frame as one Parquet object."""
        self.write_bytes(branch, path, tables.encode(frame), tables.CONTENT_TYPE)


def _commit(record: Any) -> Commit:  # noqa: ANN401  the SDK is not typed
    return Commit(
        id=record.id,
        parents=tuple(record.parents),
        message=record.message,
        metadata=dict(record.metadata or {}),
        created=int(record.creation_date),
        committer=record.committer,
    )
