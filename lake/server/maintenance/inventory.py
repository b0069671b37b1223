"""Inventory of a whole catalog that continues where something is broken: for the check.

It records which objects are referred to, what is missing or damaged, and what refers to that.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from lake.errors import CorruptError
from lake.server.catalog import commits
from lake.server.catalog.commits import Commit
from lake.server.catalog.database import Database
from lake.server.catalog.entries import Entry, is_packed
from lake.server.catalog.trees import EMPTY, Node, parse

_REFS: Final = (
    "SELECT 'branch', repository, name, commit_id FROM branches UNION ALL "
    "SELECT 'tag', repository, name, commit_id FROM tags"
)
_STAGED: Final = "SELECT repository, branch, path, entry FROM staging WHERE entry IS NOT NULL"


@dataclass(frozen=True, order=True, slots=True)
class ItemRef:
    """An object, block, commit, branch, tag or staged path; `repository` where it belongs to one.

    The name of a staged path is `branch:path`.
    """

    kind: str
    name: str
    repository: str = ""


MISSING: Final = "missing"
DAMAGED: Final = "damaged"


class Inventory:
    """The items of a catalog, and which of them are wrong."""

    def __init__(self, database: Database) -> None:
        """Bind a catalog; `read` fills the rest."""
        self._database = database
        self.sizes: dict[str, int] = {}
        self.commits: dict[tuple[str, str], Commit] = {}
        self.wrong: dict[ItemRef, str] = {}
        self.blocks = self.refs = self.staged = 0

    def read(self) -> None:
        """Read the whole catalog, in one snapshot."""
        with self._database.snapshot():
            self._database.load_tombstones()
            self._read_blocks()
            self._read_commits()
            self._read_refs()
            self._read_staged()

    def users(self, items: Collection[ItemRef]) -> Iterator[tuple[ItemRef, str]]:
        """What refers to items: branches first, then tags, staged paths and commits."""
        wanted = {(item.kind, item.name, item.repository) for item in items}
        finder = _Finder(self._database, wanted)
        with self._database.snapshot():
            yield from self._users_among_refs(wanted, finder)
            yield from self._users_among_staged(wanted)
            yield from self._users_among_commits(wanted, finder)

    def _users_among_refs(
        self, wanted: Collection[tuple[str, str, str]], finder: _Finder
    ) -> Iterator[tuple[ItemRef, str]]:
        refs = self._database.connection.execute(_REFS).fetchall()
        for kind, repository, name, commit_id in refs:
            user = f"{kind} {repository}/{name}"
            if ("commit", commit_id, repository) in wanted:
                yield ItemRef("commit", commit_id, repository), user
            commit = self.commits.get((repository, commit_id))
            yield from finder.below(commit.root if commit else EMPTY, user)

    def _users_among_staged(
        self, wanted: Collection[tuple[str, str, str]]
    ) -> Iterator[tuple[ItemRef, str]]:
        for repository, branch, path, packed in self._database.connection.execute(_STAGED):
            entry = _staged_entry(self._database, packed)
            if entry is not None and ("object", entry.sha256, "") in wanted:
                yield ItemRef("object", entry.sha256), f"staged on {repository}/{branch}: {path}"

    def _users_among_commits(
        self, wanted: Collection[tuple[str, str, str]], finder: _Finder
    ) -> Iterator[tuple[ItemRef, str]]:
        for (repository, name), commit in self.commits.items():
            user = f"commit {repository}/{name}"
            for parent in commit.parents:
                if ("commit", parent, repository) in wanted:
                    yield ItemRef("commit", parent, repository), user
            yield from finder.below(commit.root, user)

    def _read_blocks(self) -> None:
        for (block,) in self._database.connection.execute("SELECT id FROM blocks"):
            self.blocks += 1
            if _node(self._database, block) is None:
                self.wrong[ItemRef("block", str(block))] = DAMAGED

    def _read_commits(self) -> None:
        rows = self._database.connection.execute("SELECT repository, id FROM commits").fetchall()
        for repository, name in rows:
            try:
                commit = commits.read(self._database, repository, name)
            except CorruptError:
                self.wrong[ItemRef("commit", str(name), str(repository))] = DAMAGED
                continue
            self.commits[repository, name] = commit
            if commits.identity(repository, commit) != name:
                self.wrong[ItemRef("commit", name, repository)] = DAMAGED
        present = set(rows)
        seen: set[str] = set()
        for (repository, _), commit in self.commits.items():
            self._read_tree(commit.root, seen)
            for parent in commit.parents:
                if (repository, parent) not in present:
                    self.wrong[ItemRef("commit", parent, repository)] = MISSING

    def _read_tree(self, root: str, seen: set[str]) -> None:
        """Record the objects below a root, and blocks that are missing."""
        pending = [root]
        while pending:
            block = pending.pop()
            if block == EMPTY or block in seen:
                continue
            seen.add(block)
            node = _node(self._database, block)
            if node is None:
                self.wrong.setdefault(ItemRef("block", block), MISSING)
            elif node.level:
                pending.extend(node.values)
            else:
                for value in node.values:
                    entry = self._database.unpack(value)
                    self.sizes[entry.sha256] = entry.size

    def _read_refs(self) -> None:
        for _, repository, _, commit in self._database.connection.execute(_REFS):
            self.refs += 1
            item = ItemRef("commit", str(commit), str(repository))
            if (repository, commit) not in self.commits:
                self.wrong.setdefault(item, MISSING)

    def _read_staged(self) -> None:
        for repository, branch, path, packed in self._database.connection.execute(_STAGED):
            self.staged += 1
            entry = _staged_entry(self._database, packed)
            if entry is None:
                self.wrong[ItemRef("staged", f"{branch}:{path}", str(repository))] = DAMAGED
            else:
                self.sizes[entry.sha256] = entry.size


class _Finder:
    """Finds items below the roots of trees; a block that many trees share is searched once."""

    def __init__(self, database: Database, wanted: Collection[tuple[str, str, str]]) -> None:
        self._database = database
        self._wanted = wanted
        self._searched: dict[str, list[tuple[ItemRef, str]]] = {EMPTY: []}

    def below(self, root: str, user: str) -> Iterator[tuple[ItemRef, str]]:
        """Items below a root, each with the user and the path that refer to it."""
        for item, path in self._search(root):
            yield item, f"{user}: {path}" if path else user

    def _search(self, block: str) -> list[tuple[ItemRef, str]]:
        if block not in self._searched:
            is_wanted = ("block", block, "") in self._wanted
            matches = [(ItemRef("block", block), "")] if is_wanted else []
            node = _node(self._database, block)
            for key, value in zip(node.keys, node.values, strict=True) if node else ():
                if node and node.level:
                    child = _node(self._database, value)
                    if child is None or child.level < node.level:  # else it never ends
                        matches.extend(self._search(value))
                elif ("object", entry := self._database.unpack(value).sha256, "") in self._wanted:
                    matches.append((ItemRef("object", entry), key))
            self._searched[block] = matches
        return self._searched[block]


def _node(database: Database, block: str) -> Node | None:
    """A block, None where it is missing or damaged."""
    try:
        return parse(database.get(block))
    except CorruptError:
        return None


def _staged_entry(database: Database, packed: str) -> Entry | None:
    """The entry that is staged under a path, None where it is damaged."""
    try:
        value = json.loads(packed)
    except (TypeError, ValueError, RecursionError):
        return None
    return database.unpack(value) if is_packed(value) else None
