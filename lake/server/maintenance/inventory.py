"""A look at a whole catalog that goes on where something is broken: for the check, not for serving.

It says which objects are referred to, what is missing or damaged, and what refers to that.
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
from lake.server.catalog.entries import Entry, is_packed, unpack
from lake.server.catalog.trees import EMPTY, Node, parse

_REFS: Final = (
    "SELECT 'branch', repository, name, commit_id FROM branches UNION ALL "
    "SELECT 'tag', repository, name, commit_id FROM tags"
)
_STAGED: Final = "SELECT repository, branch, path, entry FROM staging WHERE entry IS NOT NULL"


@dataclass(frozen=True, order=True, slots=True)
class Thing:
    """An object, block, commit, branch, tag or staged path; `repository` where it belongs to one.

    The name of a staged path is `branch:path`.
    """

    kind: str
    name: str
    repository: str = ""


MISSING: Final = "missing"
DAMAGED: Final = "damaged"


class Survey:
    """What a catalog holds, and what of it is wrong."""

    def __init__(self, database: Database) -> None:
        """Bind a catalog; `look` fills the rest."""
        self._database = database
        self.sizes: dict[str, int] = {}
        self.commits: dict[tuple[str, str], Commit] = {}
        self.wrong: dict[Thing, str] = {}
        self.blocks = self.refs = self.staged = 0

    def look(self) -> None:
        """Read all of it, in one snapshot."""
        with self._database.snapshot():
            self._read_blocks()
            self._read_commits()
            self._read_refs()
            self._read_staged()

    def users(self, things: Collection[Thing]) -> Iterator[tuple[Thing, str]]:
        """What refers to things: branches first, then tags, staged paths and commits."""
        wanted = {(thing.kind, thing.name, thing.repository) for thing in things}
        finder = _Finder(self._database, wanted)
        db = self._database.connection
        with self._database.snapshot():
            for kind, repository, name, commit in db.execute(_REFS).fetchall():
                where = f"{kind} {repository}/{name}"
                if ("commit", commit, repository) in wanted:
                    yield Thing("commit", commit, repository), where
                found = self.commits.get((repository, commit))
                yield from finder.below(found.root if found else EMPTY, where)
            for repository, branch, path, entry in db.execute(_STAGED):
                there = _staged(entry)
                if there is not None and ("object", there.sha256, "") in wanted:
                    yield Thing("object", there.sha256), f"staged on {repository}/{branch}: {path}"
            for (repository, name), commit in self.commits.items():
                where = f"commit {repository}/{name}"
                for parent in commit.parents:
                    if ("commit", parent, repository) in wanted:
                        yield Thing("commit", parent, repository), where
                yield from finder.below(commit.root, where)

    def _read_blocks(self) -> None:
        for (block,) in self._database.connection.execute("SELECT id FROM blocks"):
            self.blocks += 1
            if _node(self._database, block) is None:
                self.wrong[Thing("block", str(block))] = DAMAGED

    def _read_commits(self) -> None:
        rows = self._database.connection.execute("SELECT repository, id FROM commits").fetchall()
        for repository, name in rows:
            try:
                found = commits.read(self._database, repository, name)
            except CorruptError:
                self.wrong[Thing("commit", str(name), str(repository))] = DAMAGED
                continue
            self.commits[repository, name] = found
            if commits.identity(repository, found) != name:
                self.wrong[Thing("commit", name, repository)] = DAMAGED
        known = set(rows)
        seen: set[str] = set()
        for (repository, _), found in self.commits.items():
            self._walk(found.root, seen)
            for parent in found.parents:
                if (repository, parent) not in known:
                    self.wrong[Thing("commit", parent, repository)] = MISSING

    def _walk(self, root: str, seen: set[str]) -> None:
        """Note the objects below a root, and blocks that are missing."""
        waiting = [root]
        while waiting:
            block = waiting.pop()
            if block == EMPTY or block in seen:
                continue
            seen.add(block)
            node = _node(self._database, block)
            if node is None:
                self.wrong.setdefault(Thing("block", block), MISSING)
            elif node.level:
                waiting.extend(node.values)
            else:
                for value in node.values:
                    entry = unpack(value)
                    self.sizes[entry.sha256] = entry.size

    def _read_refs(self) -> None:
        for _, repository, _, commit in self._database.connection.execute(_REFS):
            self.refs += 1
            thing = Thing("commit", str(commit), str(repository))
            if (repository, commit) not in self.commits:
                self.wrong.setdefault(thing, MISSING)

    def _read_staged(self) -> None:
        for repository, branch, path, packed in self._database.connection.execute(_STAGED):
            self.staged += 1
            entry = _staged(packed)
            if entry is None:
                self.wrong[Thing("staged", f"{branch}:{path}", str(repository))] = DAMAGED
            else:
                self.sizes[entry.sha256] = entry.size


class _Finder:
    """Finds things below the roots of trees; a block that many trees share is searched once."""

    def __init__(self, database: Database, wanted: Collection[tuple[str, str, str]]) -> None:
        self._database = database
        self._wanted = wanted
        self._known: dict[str, list[tuple[Thing, str]]] = {EMPTY: []}

    def below(self, root: str, where: str) -> Iterator[tuple[Thing, str]]:
        """Things below a root, with the place that says so."""
        for thing, path in self._search(root):
            yield thing, f"{where}: {path}" if path else where

    def _search(self, block: str) -> list[tuple[Thing, str]]:
        if block not in self._known:
            found = [(Thing("block", block), "")] if ("block", block, "") in self._wanted else []
            node = _node(self._database, block)
            for key, value in zip(node.keys, node.values, strict=True) if node else ():
                if node and node.level:
                    below = _node(self._database, value)
                    if below is None or below.level < node.level:  # else it never ends
                        found.extend(self._search(value))
                elif ("object", unpack(value).sha256, "") in self._wanted:
                    found.append((Thing("object", unpack(value).sha256), key))
            self._known[block] = found
        return self._known[block]


def _node(database: Database, block: str) -> Node | None:
    """A block, None where it is missing or damaged."""
    try:
        return parse(database.get(block))
    except CorruptError:
        return None


def _staged(packed: str) -> Entry | None:
    """What is staged under a path, None where it is damaged."""
    try:
        found = json.loads(packed)
    except (TypeError, ValueError, RecursionError):
        return None
    return unpack(found) if is_packed(found) else None
