"""Add files to a branch of the lake by one commit and one merge, so that all of them come at once.

Whoever adds a file to a branch that others write to as well commits it to a staging branch and
merges that. A merge conflicts where somebody else took the path meanwhile, or moved what the commit
rests on; the caller decides whether to try again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lake import refs
from lake.client import Lake
from lake.errors import ConflictError
from lake.values import Commit
from pipelines.rounds.staging_branch import staging_branch

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class File:
    """Content of a file, and its media type."""

    data: bytes
    content_type: str = JSON


def merge(
    lake: Lake,
    target: str,
    files: Mapping[str, File],
    message: str,
    entries: Mapping[str, str],
    *,
    start: str | None = None,
    staging: str | None = None,
    removed: Iterable[str] = (),
) -> Commit:
    """Merge files into a branch; return the merge.

    Args:
        lake: the lake.
        target: the branch.
        files: content by path.
        message: message of the commit and of the merge.
        entries: metadata entries of both.
        start: a commit or another ref that the commit starts from; None: the branch.
        staging: what gives the staging branch its name; None: the branch.
        removed: paths that the commit removes.

    Raises:
        ConflictError: somebody else changed the same paths, or moved the branch.
    """
    with staging_branch(lake, staging or target, start or target) as branch:
        lake.delete(branch, removed)
        for path, file in files.items():
            lake.write_bytes(branch, path, file.data, file.content_type)
        commit = lake.commit(branch, message, entries)
        return lake.merge(commit.id, target, message, entries)


def begin(lake: Lake, branch: str) -> None:
    """Make a branch at the first commit of main, which holds nothing, unless it is there."""
    if lake.head(branch) is None:
        *_, first = lake.log(refs.MAIN, first_parent=True)
        with suppress(ConflictError):  # somebody else has made it meanwhile
            lake.create_branch(branch, first.id)
