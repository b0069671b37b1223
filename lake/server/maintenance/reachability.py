"""Reachability: the commits, tree blocks and objects that the refs of a lake lead to.

A block or commit is read once, however many refer to it, so the cost follows what is stored and not
how often it is referred to.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Final

from lake.errors import CorruptError, NotFoundError
from lake.server.catalog import commits
from lake.server.catalog.database import Database
from lake.server.catalog.trees import EMPTY, parse

Key = tuple[str, str]
"""A repository and a commit id."""

_HEADS: Final = (
    "SELECT repository, commit_id FROM branches UNION SELECT repository, commit_id FROM tags"
)
_LEFT_BEHIND: Final = (
    "SELECT DISTINCT repository, commit_id FROM reflog JOIN commits "
    "USING (repository) WHERE commits.id = commit_id AND left_at > ?"
)
_STAGED: Final = "SELECT entry FROM staging WHERE entry IS NOT NULL"


class Reachability:
    """Reachable commits, blocks and objects; another scan reads only new ones."""

    def __init__(self, database: Database) -> None:
        """Begin with nothing read."""
        self._database = database
        self.commits: set[Key] = set()
        self.blocks: set[str] = set()
        self.objects: set[str] = set()

    def scan(self) -> None:
        """Add what is reachable from branches, tags and staged entries.

        Raises:
            CorruptError: a commit or block on the way is missing or damaged.
        """
        db = self._database.connection
        for key in db.execute(_HEADS).fetchall():
            self._add_commits(key)
        for (entry,) in db.execute(_STAGED):
            self.objects.add(self._database.unpack(json.loads(entry)).sha256)

    def scan_left_behind(self, since: int, also: Collection[str]) -> None:
        """Add what is reachable from commits that a ref has left, and from others by their ids.

        Args:
            since: unix seconds; commits that a ref left after that.
            also: ids of commits, in whatever repository they are.

        Raises:
            CorruptError: a commit or block on the way is missing or damaged.
        """
        db = self._database.connection
        for key in [*db.execute(_LEFT_BEHIND, (since,)), *self._commits_of(also)]:
            self._add_commits(key)

    def _commits_of(self, ids: Collection[str]) -> Iterator[Key]:
        for name in ids:
            yield from self._database.connection.execute(
                "SELECT repository, id FROM commits WHERE id = ?", (name,)
            )

    def _add_commits(self, start: Key) -> None:
        waiting = [start]
        while waiting:
            key = waiting.pop()
            if key in self.commits:
                continue
            self.commits.add(key)
            try:
                commit = commits.read(self._database, *key)
            except NotFoundError as error:
                raise CorruptError(
                    f"{error}, and something refers to it: see `lake fsck`"
                ) from error
            self._add_blocks(commit.root)
            waiting.extend((key[0], parent) for parent in commit.parents)

    def _add_blocks(self, root: str) -> None:
        waiting = [root]
        while waiting:
            block = waiting.pop()
            if block == EMPTY or block in self.blocks:
                continue
            self.blocks.add(block)
            node = parse(self._database.get(block))
            if node.level:
                waiting.extend(node.values)
            else:
                unpack = self._database.unpack
                self.objects.update(unpack(value).sha256 for value in node.values)
