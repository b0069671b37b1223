"""One repository as the move of a whole history reads and writes it, beyond what stages need.

Commits, objects and branches are taken with all that the API says about them, and made with all
that it takes: dates, content types, user metadata, strategies of merges.

API: https://docs.lakefs.io/reference/api.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lake.client import records
from lake.client.connection import SLOW_SECONDS, open_connection, sdk_errors_translated
from lake.client.lake import Lake
from lake.errors import CorruptError, InvalidError, LakeError, NotFoundError
from lake.launch import serve_on_demand
from lake.settings import Embedded, Remote
from lake.values import Commit, ObjectState, RepositoryFacts

CHUNK: Final = 8 << 20
"""How many bytes of an object are read at once."""
STRATEGY: Final = ".lakefs.merge.strategy"
"""Metadata entry in which a server says which strategy a merge had."""
DEFAULT: Final = "default"
"""What that entry holds where a merge had no strategy of its own."""


class Replica(Lake):
    """One repository of a lake, by the ids that its server gives."""

    def facts(self) -> RepositoryFacts | None:
        """What the server says about the repository; None where there is none."""
        try:
            found = self.connection.call(self._sdk.repositories_api.get_repository, self.repository)
        except NotFoundError:
            return None
        return RepositoryFacts(int(found.creation_date), str(found.default_branch))

    def storage(self) -> tuple[str, str]:
        """The type of the server's store (`local`, `s3`, …), and its default for namespaces."""
        config = self.connection.call(self._sdk.config_api.get_config).storage_config
        return str(config.blockstore_type), str(config.default_namespace_prefix or "")

    def create(self, namespace: str, default_branch: str) -> None:
        """Create the repository.

        Raises:
            InvalidError: this is no address of a store, or not of the server's.
            ConflictError: another process was faster.
        """
        try:
            creation = self._models.RepositoryCreation(
                name=self.repository, storage_namespace=namespace, default_branch=default_branch
            )
        except ValueError as error:
            raise InvalidError(
                f"{namespace!r} is no storage namespace: it must begin with the store's scheme, "
                "such as s3://bucket/folder"
            ) from error
        method, action = self._sdk.repositories_api.create_repository, f"create {self.repository}"
        self.connection.call(method, creation, action=action, timeout=SLOW_SECONDS)

    # What there is

    def hidden_branches(self) -> set[str]:
        """Names of the branches that lists leave out."""
        method = self._sdk.branches_api.list_branches
        listed = self.connection.pages(method, records.Refs, self.repository, show_hidden=False)
        return set(self.branches()) - {ref.id for ref in listed}

    def uncommitted(self, branch: str) -> set[str]:
        """The paths of a branch that are changed and not committed."""
        method = self._sdk.branches_api.diff_branch
        lines = self.connection.pages(method, records.Differences, self.repository, branch)
        return {line.path for line in lines}

    def changes(self, before: str, after: str) -> dict[str, ObjectState | None]:
        """What a commit holds that another does not, by path; None where an object is removed.

        Servers may leave out user metadata here; `stat` has it.
        """
        lines = self.connection.pages(
            self._sdk.refs_api.diff_refs,
            records.Differences,
            self.repository,
            before,
            after,
            type="two_dot",
            include_right_stats=True,
        )
        return {
            line.path: None if line.type == "removed" else self._right(after, line)
            for line in lines
        }

    def _right(self, ref: str, line: records.DifferenceRecord) -> ObjectState:
        """The object of the right side; servers that do not give it there are asked for it."""
        if line.right is None or line.right.content_type is None:
            return self.stat(ref, line.path)
        return _state(line.right, line.size_bytes)

    def stat(self, ref: str, path: str) -> ObjectState:
        """One object."""
        method = self._sdk.objects_api.stat_object
        found: records.StateRecord = self.connection.call(
            method,
            self.repository,
            ref,
            path,
            action=f"stat {path} at {ref}",
            parse=records.StateRecord.model_validate_json,
        )
        return _state(found, found.size_bytes)

    def protected(self) -> list[str]:
        """Patterns of the branches that change by merge only."""
        method = self._sdk.repositories_api.get_branch_protection_rules
        return [str(rule.pattern) for rule in self.connection.call(method, self.repository)]

    # What is made

    def chunks(self, ref: str, path: str, state: ObjectState) -> Iterator[bytes]:
        """The bytes of an object, a part at a time.

        Raises:
            CorruptError: they do not have its checksum.
        """
        digest = hashlib.md5(usedforsecurity=False)
        for start in range(0, state.size, CHUNK):
            part: dict[str, Any] = (
                {} if state.size <= CHUNK else {"range": f"bytes={start}-{start + CHUNK - 1}"}
            )
            data = bytes(
                self.connection.call(
                    self._sdk.objects_api.get_object,
                    self.repository,
                    ref,
                    path,
                    action=f"read {path} at {ref}",
                    timeout=SLOW_SECONDS,
                    **part,
                )
            )
            digest.update(data)
            yield data
        if digest.hexdigest() != state.checksum:
            raise CorruptError(
                f"{path} at {ref[:12]} of {self.repository} does not have its checksum: "
                "`stemma lake fsck` names what is damaged"
            )

    def upload(self, branch: str, path: str, chunks: Iterator[bytes], state: ObjectState) -> None:
        """Stage an object, whose bytes go through the API, so that its checksum is their MD5.

        Raises:
            CorruptError: the server gives it another checksum.
        """
        import lakefs  # noqa: PLC0415  slow to import

        target = lakefs.Branch(self.repository, branch, client=self.connection.client).object(path)
        with sdk_errors_translated(f"write {path} on {branch}", self.connection.endpoint):
            with target.writer(
                mode="wb", pre_sign=False, content_type=state.content_type
            ) as writer:
                for chunk in chunks:
                    writer.write(chunk)
            stored = getattr(writer, "_obj_stats", None) or target.stat()
            self._check(path, str(stored.checksum), state)
        if state.metadata:
            self.set_metadata(branch, path, dict(state.metadata))

    def copy(self, branch: str, path: str, origin: tuple[str, str], state: ObjectState) -> None:
        """Stage an object that the repository holds already; the server moves its bytes.

        Args:
            branch: where it is staged.
            path: its path there.
            origin: a commit that holds it, and its path there.
            state: what it is.

        Raises:
            CorruptError: the server gives it another checksum.
        """
        commit, source = origin
        creation = self._models.ObjectCopyCreation(src_path=source, src_ref=commit)
        method = self._sdk.objects_api.copy_object
        copied = self.connection.call(
            method, self.repository, branch, path, creation, timeout=SLOW_SECONDS
        )
        self._check(path, str(copied.checksum), state)

    def set_metadata(self, branch: str, path: str, metadata: Mapping[str, str]) -> None:
        """Set the user metadata of a staged object; as JSON, names keep their case."""
        update = self._models.UpdateObjectUserMetadata(set=dict(metadata))
        method = self._sdk.objects_api.update_object_user_metadata
        self.connection.call(method, self.repository, branch, path, update)

    def commit_as(self, branch: str, original: Commit) -> Commit:
        """Commit what is staged, with message, metadata and date of another commit."""
        creation = self._models.CommitCreation(
            message=original.message,
            metadata=dict(original.metadata),
            date=original.created,
            allow_empty=True,
        )
        method = self._sdk.commits_api.commit
        made = self.connection.call(method, self.repository, branch, creation, timeout=SLOW_SECONDS)
        return self.resolve(str(made.id))

    def merge_as(self, source: str, into: str, original: Commit, strategy: str) -> Commit:
        """Merge a commit into a branch, with message and metadata of another merge.

        Args:
            source: the commit.
            into: the branch.
            original: the other merge.
            strategy: `source-wins`, `dest-wins`, or empty.
        """
        merge = self._models.Merge(
            message=original.message,
            metadata=dict(original.metadata),
            strategy=strategy or None,
            allow_empty=True,
        )
        method = self._sdk.refs_api.merge_into_branch
        merged = self.connection.call(
            method, self.repository, source, into, merge=merge, timeout=SLOW_SECONDS
        )
        return self.resolve(str(merged.reference))

    def make_branch(self, name: str, commit: str, *, hidden: bool = False) -> None:
        """Create a branch."""
        creation = self._models.BranchCreation(name=name, source=commit, hidden=hidden)
        self.connection.call(self._sdk.branches_api.create_branch, self.repository, creation)

    def forget_staged(self, branch: str) -> None:
        """Drop the uncommitted changes of a branch."""
        reset = self._models.ResetCreation(type="reset")
        self.connection.call(self._sdk.branches_api.reset_branch, self.repository, branch, reset)

    def protect(self, patterns: list[str]) -> bool:
        """Protect branches; tell whether the server allows it."""
        rules = [self._models.BranchProtectionRule(pattern=pattern) for pattern in patterns]
        method = self._sdk.repositories_api.set_branch_protection_rules
        try:
            self.connection.call(method, self.repository, rules)
        except LakeError:
            return False
        return True

    def _check(self, path: str, checksum: str, state: ObjectState) -> None:
        if checksum != state.checksum:
            raise CorruptError(
                f"the lake at {self.endpoint} gives {path} the checksum {checksum!r}, and its MD5 "
                f"is {state.checksum!r}: signatures bind checksums, so it cannot hold this project"
            )


def open_replica(where: Remote | Embedded, repository: str) -> Replica:
    """Open a repository of a lake, starting the embedded server if it is not running.

    Bytes go through the API, on the embedded lake too.

    Raises:
        UnreachableError: the embedded server did not start.
        FullError: the embedded lake's directory cannot be written.
    """
    if isinstance(where, Embedded):
        home = where.home.absolute()
        return Replica(open_connection(serve_on_demand(home), home), repository)
    return Replica(open_connection(where, None), repository)


def _state(record: records.StateRecord, size: int | None) -> ObjectState:
    return ObjectState(
        record.checksum,
        size or 0,
        record.content_type or "",
        tuple(sorted((record.metadata or {}).items())),
    )
