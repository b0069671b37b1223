"""Objects under paths: reading, staging, copying and listing, above catalog and object store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import starmap, takewhile
from typing import Final, Literal, NamedTuple

from lake.errors import InvalidError, NotFoundError
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.common_prefixes import fold_common_prefixes
from lake.server.catalog.conditions import ALWAYS, ANY_BYTES, Condition, Expected
from lake.server.catalog.entries import Entry
from lake.server.catalog.overlay import overlay
from lake.server.catalog.pagination import Page, page
from lake.server.catalog.ref_resolution import ResolvedRef
from lake.server.catalog.trees import Tree
from lake.server.catalog.versions import Versions
from lake.server.storage.hashing import StoredObject
from lake.server.storage.objects import ObjectStore

DEFAULT_TYPE: Final = "application/octet-stream"


class ListedPath(NamedTuple):
    """A line of a listing: an object, or a common prefix when there is no entry."""

    path: str
    entry: Entry | None


def entry_of(stored: StoredObject, content_type: str, metadata: Mapping[str, str]) -> Entry:
    """The entry of an object that has come in now."""
    now = int(time.time())
    return Entry(stored.sha256, stored.md5, stored.size, now, content_type, metadata)


class ObjectService:
    """The objects of a lake."""

    def __init__(self, catalog: Catalog, versions: Versions, store: ObjectStore) -> None:
        """Work on catalog, history and files."""
        self.catalog = catalog
        self.versions = versions
        self.store = store

    def stat(self, repository: str, ref: str, path: str) -> Entry:
        """The entry of a path at a ref; on a branch, staged changes count.

        Raises:
            NotFoundError: there is no such path.
        """
        with self.catalog.database.snapshot():
            on_branch = self.catalog.branch_path(repository, ref, path)
            if on_branch is not None and on_branch.is_staged:
                entry = on_branch.staged
            elif on_branch is not None:
                entry = Tree(self.catalog.database, on_branch.root).get(path)
            else:
                entry = self._lookup(repository, self.versions.resolve(repository, ref), path)
        if entry is None:
            raise NotFoundError(f"{path!r} not found at {ref!r}")
        return entry

    def list(
        self, repository: str, ref: str, *, prefix: str, after: str, delimiter: str, amount: int
    ) -> Page[ListedPath]:
        """List objects under a prefix; a delimiter folds what follows it into common prefixes."""
        with self.catalog.database.snapshot():
            resolved = self.versions.resolve(repository, ref)

            def walk(start: str, inclusive: bool) -> Iterator[tuple[str, Entry]]:
                return self._walk(repository, resolved, prefix, start, inclusive=inclusive)

            lines = starmap(ListedPath, fold_common_prefixes(walk, prefix, delimiter, after))
            return page(lines, amount, lambda line: line.path)

    def stage(
        self,
        repository: str,
        branch: str,
        path: str,
        stored: StoredObject,
        *,
        content_type: str,
        metadata: Mapping[str, str],
        condition: Condition = ALWAYS,
    ) -> Entry:
        """Put a stored object under a path of a branch, uncommitted, and unpin it.

        Raises:
            PreconditionError: the condition does not hold.
        """
        entry = entry_of(stored, content_type, metadata)
        with self.store.pins.releasing(stored.sha256):
            self.put_entry(repository, branch, path, entry, condition)
        return entry

    def put_entry(
        self, repository: str, branch: str, path: str, entry: Entry, condition: Condition = ALWAYS
    ) -> None:
        """Put an entry under a path of a branch, uncommitted.

        Raises:
            PreconditionError: the condition does not hold.
        """
        with self.catalog.database.change():
            if condition != ALWAYS:
                condition.check(path, self._on_branch(repository, branch, path))
            self.catalog.stage(repository, branch, {path: entry})

    def remove(
        self,
        repository: str,
        branch: str,
        paths: Sequence[str],
        condition: Condition = ALWAYS,
    ) -> None:
        """Stage the removal of paths; absent ones are no error.

        Raises:
            PreconditionError: the condition does not hold of one of them.
        """
        with self.catalog.database.change():
            for path in paths if condition != ALWAYS else ():
                condition.check(path, self._on_branch(repository, branch, path))
            self.catalog.stage(repository, branch, dict.fromkeys(paths))

    def copy(
        self, repository: str, branch: str, path: str, source_ref: str, source_path: str
    ) -> Entry:
        """Put the object of another path under this one; no bytes move."""
        with self.catalog.database.change():
            entry = replace(self.stat(repository, source_ref, source_path), mtime=int(time.time()))
            self.catalog.stage(repository, branch, {path: entry})
        return entry

    def offer(self, repository: str, branch: str, path: str) -> str:
        """Hand out an address that a local client may write the path's bytes to."""
        address = self.store.slot()
        self.catalog.slots.offer(address, repository, branch, path)
        return address

    def link(
        self,
        repository: str,
        branch: str,
        path: str,
        address: str,
        *,
        content_type: str,
        metadata: Mapping[str, str],
        condition: Condition = ALWAYS,
        expected: Expected = ANY_BYTES,
    ) -> Entry:
        """Take over the file at an address that was handed out for this path.

        Raises:
            InvalidError: the address was not handed out for it, or was used, or the bytes are not
                what is expected.
            PreconditionError: the condition does not hold.
        """
        self._check_offered(repository, branch, path, address)
        if condition != ALWAYS:  # the bytes stay for another call; it is held again below
            condition.check(path, self._on_branch(repository, branch, path))
        stored = self.store.link(address, check=partial(expected.check, path))
        with self.store.pins.releasing(stored.sha256), self.catalog.database.change():
            self.catalog.slots.use(address)
            entry = entry_of(stored, content_type, metadata)
            self.put_entry(repository, branch, path, entry, condition)
            return entry

    def offer_many(self, repository: str, branch: str, paths: Sequence[str]) -> Sequence[str]:
        """Hand out an address for each path, in one transaction."""
        addresses = [self.store.slot() for _ in paths]
        with self.catalog.database.change():
            for address, path in zip(addresses, paths, strict=True):
                self.catalog.slots.offer(address, repository, branch, path)
        return addresses

    def link_many(
        self,
        repository: str,
        branch: str,
        pairs: Sequence[tuple[str, str]],
        *,
        content_type: str,
    ) -> None:
        """Take over the files at addresses that were handed out for these paths, all or none.

        Args:
            repository: its name.
            branch: where the objects are staged.
            pairs: path and address of each.
            content_type: of all of them.

        Raises:
            InvalidError: an address was not handed out for its path, or was used.
        """
        for path, address in pairs:
            self._check_offered(repository, branch, path, address)
        objects = self.store.link_many([address for _, address in pairs])
        now = int(time.time())
        entries: dict[str, Entry | None] = {
            path: Entry(stored.sha256, stored.md5, stored.size, now, content_type)
            for (path, _), stored in zip(pairs, objects, strict=True)
        }
        try:
            with self.catalog.database.change():
                for _, address in pairs:
                    self.catalog.slots.use(address)
                self.catalog.stage(repository, branch, entries)
        finally:
            for stored in objects:
                self.store.pins.unpin(stored.sha256)

    def reset(
        self,
        repository: str,
        branch: str,
        reset_type: Literal["reset", "common_prefix", "object"],
        path: str,
    ) -> None:
        """Forget uncommitted changes: all, under a prefix, or of one object."""
        self.catalog.refs.get("branches", repository, branch)
        if reset_type == "object":
            self.catalog.unstage_object(repository, branch, path)
        else:
            prefix = path if reset_type == "common_prefix" else ""
            self.catalog.unstage(repository, branch, prefix)

    def _check_offered(self, repository: str, branch: str, path: str, address: str) -> None:
        if not self.catalog.slots.is_offered(address, repository, branch, path):
            raise InvalidError(f"{address} was not handed out for {path!r} on {branch!r}")

    def _on_branch(self, repository: str, branch: str, path: str) -> Entry | None:
        head = self.versions.head(repository, branch)
        return self._lookup(repository, ResolvedRef(head, branch), path)

    def _lookup(self, repository: str, resolved: ResolvedRef, path: str) -> Entry | None:
        tree = self.versions.tree(resolved.commit)
        return self.catalog.lookup(repository, resolved.branch, tree, path)

    def _walk(
        self, repository: str, resolved: ResolvedRef, prefix: str, start: str, *, inclusive: bool
    ) -> Iterator[tuple[str, Entry]]:
        entries = self.versions.tree(resolved.commit).items(start, inclusive=inclusive)
        committed: Iterator[tuple[str, Entry]] = entries
        if prefix:
            committed = takewhile(lambda item: item[0].startswith(prefix), entries)
        branch = resolved.branch
        if branch is None:
            return committed
        staged = self.catalog.changes(repository, branch, prefix, start, inclusive=inclusive)
        return overlay(staged, committed)
