"""A repository whose commits may have been moved there, by the ids that they had before.

Nothing that names a commit has to be written anew when a project moves: receipts, signed metadata,
manifests and tables name the ids that commits had, and here these are understood and given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lake import refs
from lake.client.connection import Connection
from lake.client.lake import Lake
from lake.commit_ids import CommitIds
from lake.values import Change, Commit, ObjectInfo

if TYPE_CHECKING:
    import polars as pl

_ID_DIGITS = 64
FindIds = Callable[[Lake], CommitIds]
"""Finds the map of a repository, which it is given as the server knows it."""


class MigratedLake(Lake):
    """One repository of a lake; the map of its commits is found when the first is named."""

    def __init__(self, connection: Connection, repository: str, find_ids: FindIds) -> None:
        """Bind a repository; use `connect` to get one."""
        super().__init__(connection, repository)
        self._find_ids = find_ids

    @cached_property
    def ids(self) -> CommitIds:
        """The map; that of a repository to which nothing was moved is empty."""
        return self._find_ids(Lake(self.connection, self.repository))

    def ensure(self, namespace: str) -> int:
        """As `Lake.ensure`; a repository that was moved was created where it comes from."""
        created = super().ensure(namespace)
        return created if self.ids.created is None else self.ids.created

    def head(self, branch: str) -> str | None:
        """As `Lake.head`."""
        commit = super().head(branch)
        return None if commit is None else self.ids.outward(commit)

    def branches(self, prefix: str = "") -> dict[str, str]:
        """As `Lake.branches`."""
        return self._outward(super().branches(prefix))

    def set_branch(self, branch: str, commit: str) -> None:
        """As `Lake.set_branch`."""
        super().set_branch(branch, self.on_server(commit))

    def create_branch(self, branch: str, commit: str) -> None:
        """As `Lake.create_branch`."""
        super().create_branch(branch, self.on_server(commit))

    def tags(self, prefix: str = "") -> dict[str, str]:
        """As `Lake.tags`."""
        return self._outward(super().tags(prefix))

    def tag(self, name: str, commit: str) -> None:
        """As `Lake.tag`."""
        super().tag(name, self.on_server(commit))

    def resolve(self, ref: str) -> Commit:
        """As `Lake.resolve`."""
        return self.ids.shown(super().resolve(self.on_server(ref)))

    def log(self, ref: str, *, first_parent: bool = False) -> Iterator[Commit]:
        """As `Lake.log`."""
        return map(self.ids.shown, super().log(self.on_server(ref), first_parent=first_parent))

    def commit(self, branch: str, message: str, metadata: Mapping[str, str]) -> Commit:
        """As `Lake.commit`."""
        return self.ids.shown(super().commit(branch, message, metadata))

    def merge(self, source: str, into: str, message: str, metadata: Mapping[str, str]) -> Commit:
        """As `Lake.merge`."""
        return super().merge(self.on_server(source), into, message, metadata)

    def cherry_pick(
        self, branch: str, commit: str, message: str, metadata: Mapping[str, str]
    ) -> Commit:
        """As `Lake.cherry_pick`."""
        picked = super().cherry_pick(branch, self.on_server(commit), message, metadata)
        return self.ids.shown(picked)

    def merge_base(self, source: str, destination: str) -> str:
        """As `Lake.merge_base`."""
        base = super().merge_base(self.on_server(source), self.on_server(destination))
        return self.ids.outward(base)

    def diff(
        self,
        left: str,
        right: str,
        *,
        prefix: str = "",
        three_dot: bool = True,
        checksums: bool = False,
    ) -> Iterator[Change]:
        """As `Lake.diff`."""
        left, right = self.on_server(left), self.on_server(right)
        return super().diff(left, right, prefix=prefix, three_dot=three_dot, checksums=checksums)

    def objects(self, ref: str, prefix: str = "", *, stored: bool = False) -> list[ObjectInfo]:
        """As `Lake.objects`."""
        return super().objects(self.on_server(ref), prefix, stored=stored)

    def read(
        self, ref: str, path: str, max_bytes: int | None = None, *, stored: bool = False
    ) -> bytes:
        """As `Lake.read`."""
        return super().read(self.on_server(ref), path, max_bytes, stored=stored)

    def scan_parts(self, ref: str, parts: Sequence[ObjectInfo]) -> pl.LazyFrame:
        """As `Lake.scan_parts`."""
        return super().scan_parts(self.on_server(ref), parts)

    def on_server(self, ref: str) -> str:
        """As `Lake.on_server`; names of branches and tags come before digits of an id."""
        found, name = self.ids.inward(ref), refs.base(ref)
        if found == ref or len(name) == _ID_DIGITS:
            return found
        is_name = super().head(name) is not None or name in super().tags(name)
        return ref if is_name else found

    def _outward(self, named: Mapping[str, str]) -> dict[str, str]:
        return {name: self.ids.outward(commit) for name, commit in named.items()}
