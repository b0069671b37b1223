"""One repository of a lake: its branches, tags and commits, and with them its objects."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from lake import refs
from lake.client import records
from lake.client.connection import SLOW_SECONDS
from lake.client.object_access import ObjectAccess
from lake.errors import AmbiguousError, ConflictError, NotFoundError, UnknownRefError
from lake.values import Change, Commit


class Lake(ObjectAccess):
    """One repository of a lake; use `connect` to get one."""

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

    def user(self) -> str:
        """Whose credentials these are, by the name that commits have for their committer."""
        user = self.connection.call(self._sdk.auth_api.get_current_user).user
        return str(user.email or user.id)

    def namespace(self) -> str:
        """Where the server keeps the objects of the repository, such as `s3://bucket/stemma`."""
        method = self._sdk.repositories_api.get_repository
        return str(self.connection.call(method, self.repository).storage_namespace)

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
        Lake.create_branch(self, branch, commit)

    def create_branch(self, branch: str, commit: str) -> None:
        """Make a branch at a commit; one that is there stays as it is.

        Raises:
            ConflictError: there is one of that name.
        """
        creation = self._models.BranchCreation(name=branch, source=commit)
        self.connection.call(self._sdk.branches_api.create_branch, self.repository, creation)

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
            UnknownRefError: there is no such ref.
            AmbiguousError: it names the tag of a round, and a branch has the same name. lakeFS
                would take the branch, to which anybody may write.
        """
        self._refuse_ambiguous(refs.base(ref))
        method = self._sdk.commits_api.get_commit
        try:
            return _commit(self.connection.call(method, self.repository, ref))
        except NotFoundError as error:
            raise self._unknown(ref, error) from error

    def _unknown(self, ref: str, error: NotFoundError) -> NotFoundError:
        """The error of a ref that does not exist, with the nearest name; else the lake's own."""
        try:
            names = [*Lake.branches(self), *Lake.tags(self)]
        except NotFoundError:  # there is no such repository
            return error
        close = difflib.get_close_matches(refs.base(ref), names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return UnknownRefError(f"there is no branch, tag or commit {ref!r} in the lake{hint}")

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
        cleaned = self.cleaned() if checksums else {}

        def checksum(line: records.ChangeRecord) -> str | None:
            if not checksums or line.right is None:
                return None
            known = cleaned.get(line.right.checksum)
            return line.right.checksum if known is None else known.checksum

        return (
            Change(line.path, line.type, line.size_bytes or 0, checksum(line)) for line in lines
        )


def _commit(record: Any) -> Commit:  # noqa: ANN401  the SDK is not typed
    return Commit(
        id=record.id,
        parents=tuple(record.parents),
        message=record.message,
        metadata=dict(record.metadata or {}),
        created=int(record.creation_date),
        committer=record.committer,
    )
