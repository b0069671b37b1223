"""A lake in the process of the test, for what must happen between two steps of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

from lake.home import LakeHome
from lake.server.__main__ import open_lake
from lake.server.catalog.commits import CommitMessage
from lake.server.http.app_state import AppState
from lake.server.maintenance import fsck, gc
from lake.server.maintenance.gc import Freed

MESSAGE: Final = CommitMessage("m", "tester", {})
REPO: Final = "garbage"


class InProcessLake:
    """A lake with one repository."""

    @classmethod
    def opened(cls, home: Path) -> Self:
        """A lake that is there."""
        lake = cls.__new__(cls)
        lake.home = LakeHome(home)
        lake.lake = open_lake(lake.home)
        return lake

    def __init__(self, home: Path) -> None:
        self.home = LakeHome(home)
        self.lake: AppState = open_lake(self.home)
        self.lake.versions.create_repository(REPO, "local://x", "main", "t", read_only=False)

    def write(self, path: str, data: bytes, branch: str = "main") -> str:
        stored = self.lake.store.put(data)
        more: dict[str, Any] = {"content_type": "x", "metadata": {}}
        self.lake.objects.stage(REPO, branch, path, stored, **more)
        return stored.sha256

    def commit(self, branch: str = "main") -> str:
        return self.lake.versions.commit_staged(REPO, branch, MESSAGE, allow_empty=False).id

    def branch(self, name: str, source: str = "main") -> None:
        head = self.lake.versions.resolve(REPO, source).commit.id
        self.lake.catalog.refs.create("branches", REPO, name, head)

    def abandon(self, name: str, data: bytes) -> tuple[str, str]:
        """A branch with one commit, deleted again: the commit and its object."""
        self.branch(name)
        sha256 = self.write(name, data, name)
        made = self.commit(name)
        self.lake.catalog.refs.delete("branches", REPO, name)
        return made, sha256

    def collect(self, **options: Any) -> Freed:
        return gc.collect(self.lake.catalog.database, self.lake.store, **{"keep": 0, **options})

    def has_object(self, sha256: str) -> bool:
        return self.lake.store.path(sha256).exists()

    def is_sound(self) -> bool:
        return not fsck.check(self.home).problems
