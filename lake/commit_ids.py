"""Ids of commits that were moved to another lake, where the same commits have other ids.

The id of a commit is a hash over what its server stores, so a server that commits are moved to
gives them other ids. But receipts, signed metadata and manifests name the ids that the commits had.
So a lake that commits were moved to is read and written by the ids that they had first: whoever
asks for one gets the commit that it became, and each commit is shown by the id that it had.

When and by whom a commit was made is kept beside its id, where the server that commits are moved to
gives something else.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lake.values import Commit

_ID_DIGITS: Final = 64
_ID: Final = re.compile(rf"[0-9a-f]{{6,{_ID_DIGITS}}}(?=\Z|[~^@])")
"""An id, or the beginning of one, at the start of a ref expression."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a commit became: its id there; its creation and committer where they differ there."""

    id: str
    created: int | None = None
    """When it was first made, in unix seconds; None: the lake knows."""
    committer: str | None = None
    """Who made it first; None: the lake knows."""


class CommitIds:
    """The commits of a repository that were moved, by the ids that they had."""

    def __init__(self, commits: Mapping[str, Moved], created: int | None = None) -> None:
        """Take over a map.

        Args:
            commits: what each commit became, by the id that it had.
            created: when the repository was first made, in unix seconds; None: the lake knows.
        """
        self.commits = commits
        self.created = created
        self._former = {moved.id: former for former, moved in commits.items()}
        self._sorted = sorted(commits)

    def inward(self, ref: str) -> str:
        """A ref expression as the lake understands it.

        Args:
            ref: may begin with an id that a commit had, or with its first digits, at least six.
        """
        match = _ID.match(ref)
        former = None if match is None else self._whole(match[0])
        if match is None or former is None:
            return ref
        return self.commits[former].id + ref[match.end() :]

    def outward(self, commit: str) -> str:
        """The id by which a commit is known, given its id in the lake."""
        return self._former.get(commit, commit)

    def shown(self, commit: Commit) -> Commit:
        """A commit of the lake by the ids, the creation and the committer that it had."""
        former = self.outward(commit.id)
        parents = tuple(self.outward(parent) for parent in commit.parents)
        moved = self.commits.get(former)
        if moved is None:
            return replace(commit, parents=parents)
        return replace(
            commit,
            id=former,
            parents=parents,
            created=commit.created if moved.created is None else moved.created,
            committer=commit.committer if moved.committer is None else moved.committer,
        )

    def _whole(self, digits: str) -> str | None:
        """The id that begins with some digits; None where no id or several do."""
        if digits in self.commits:
            return digits
        start = bisect_left(self._sorted, digits)
        found = [former for former in self._sorted[start : start + 2] if former.startswith(digits)]
        return found[0] if len(found) == 1 else None


NONE_MOVED: Final = CommitIds({})
"""The ids of a lake that no commits were moved to."""
