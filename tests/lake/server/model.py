"""A model of version control: a commit is a dictionary of files, a branch a commit and changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Files = dict[str, bytes]


@dataclass(frozen=True)
class Version:
    """A commit of the model; `generation` and `number` order the log."""

    id: str
    files: Files
    parents: tuple[Version, ...] = ()
    generation: int = 1
    number: int = 0


@dataclass
class Line:
    """A branch of the model: its head and what is staged on it, None where removed."""

    head: Version
    staged: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def files(self) -> Files:
        return laid_over(self.head.files, self.staged)

    @property
    def dirty(self) -> bool:
        return self.files != self.head.files


def laid_over(files: Files, changes: dict[str, bytes | None]) -> Files:
    merged = {**files, **changes}
    return {path: data for path, data in merged.items() if data is not None}


def changed(before: Files, after: Files) -> dict[str, bytes | None]:
    paths = before.keys() | after.keys()
    return {path: after.get(path) for path in paths if before.get(path) != after.get(path)}


def ancestors(version: Version) -> dict[str, Version]:
    found, waiting = {}, [version]
    while waiting:
        item = waiting.pop()
        if item.id not in found:
            found[item.id] = item
            waiting.extend(item.parents)
    return found


def merge_base(left: Version, right: Version) -> Version:
    shared = ancestors(left).keys() & ancestors(right).keys()
    return max(
        (ancestors(left)[name] for name in shared), key=lambda item: (item.generation, item.number)
    )


def conflicts(base: Files, ours: Files, theirs: Files) -> set[str]:
    mine, other = changed(base, ours), changed(base, theirs)
    return {path for path in mine.keys() & other.keys() if mine[path] != other[path]}


def against(commit: Version, side: int) -> tuple[Files, dict[str, Any]]:
    """The files of a parent of a commit, and how a call names the two."""
    if not commit.parents:
        return {}, {"ref": commit.id}
    number = min(side, len(commit.parents) - 1)
    wanted = {"ref": commit.id, "parent_number": number + 1}
    return commit.parents[number].files, wanted
