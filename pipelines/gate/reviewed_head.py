"""What a reviewer sees is what is published: the head of a round's branch, held against that.

Publishing takes the evaluate commit. A reviewer sees the head of the branch, which is that commit,
or the guard's answer or a rejection on top of it, and these change neither table nor figure.
Anything else on top would show another round than the one that an approval publishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lake import refs
from lake.values import Commit
from pipelines.gate import binding, rejections
from pipelines.rounds import history, stored_keys
from pipelines.rounds.context import RoundContext
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import StageMetadata

ON_TOP: Final = ("guard", "review")
"""Stages whose commits may lie on top of the evaluate commit."""
SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""


@dataclass(frozen=True, slots=True)
class ReviewedHead:
    """The head of a round's branch, and the commit that publishing the round would take."""

    head: str
    evaluated: str | None
    """The evaluate commit in the head's history; None if there is none."""
    wrong: str | None
    """Why the head does not show what would be published, in one sentence; None if it does."""

    def __str__(self) -> str:
        """A sentence that names both commits."""
        if self.wrong is not None:
            return (
                f"what is shown, {self.head[:SHORT]}, is not what would be published: {self.wrong}"
            )
        if self.evaluated is None:
            return f"commit {self.head[:SHORT]} is shown, which is not evaluated yet"
        if self.head == self.evaluated:
            return f"the evaluate commit {self.head[:SHORT]} is shown, which would be published"
        return (
            f"commit {self.head[:SHORT]} is shown, and the evaluate commit "
            f"{self.evaluated[:SHORT]}, of the same tables and figures, would be published"
        )


def of_branch(ctx: RoundContext, head: str) -> ReviewedHead | None:
    """Hold the head of a round's branch against what would be published.

    Args:
        ctx: the round.
        head: id of the head.

    Returns:
        None for what cannot be published any more: main holds it, or its line never merges.
    """
    if ctx.round.line != refs.MAIN or _is_merged(ctx, head):
        return None
    found = evaluated(ctx, head)
    return ReviewedHead(head, found[0].id if found else None, fault(ctx, head))


def fault(ctx: RoundContext, head: str) -> str | None:
    """Find out why a head does not show what would be published; None if it does.

    A round that is not evaluated shows nothing that would be published, which is no fault.
    """
    lake, round_ = ctx.lake, ctx.round
    found = evaluated(ctx, head)
    if found is None:
        held = any(True for _ in history.chain(lake, head, round_))
        return None if held else f"{head[:SHORT]} is no commit of a stage of {round_.key}"
    commit = found[0]
    for later in _on_top(ctx, head, commit.id):
        metadata = StageMetadata.from_commit(later)
        if metadata is None or metadata.stage not in ON_TOP:
            return f"{later.id[:SHORT]} lies on top of the evaluate commit {commit.id[:SHORT]}"
    shown, published = (
        rejections.content(lake, at, round_.dataset, round_.number) for at in (head, commit.id)
    )
    if shown != published:
        return (
            f"{head[:SHORT]} holds other tables or figures than the evaluate commit "
            f"{commit.id[:SHORT]} below it"
        )
    return binding.fault(ctx, head)


def evaluated(ctx: RoundContext, head: str) -> tuple[Commit, StageKey] | None:
    """The evaluate commit in the history of a head, and its key; None if there is none."""
    notes = stored_keys.read(ctx.lake, ctx.round.dataset, ctx.round.number)
    for commit in history.chain(ctx.lake, head, ctx.round):
        key = stored_keys.key_of(commit, "evaluate", notes)
        if key is not None:
            return commit, key
    return None


def _on_top(ctx: RoundContext, head: str, below: str) -> list[Commit]:
    """The commits from a head down to one in its history, without that one."""
    commits = []
    for commit in history.chain(ctx.lake, head, ctx.round):
        if commit.id == below:
            break
        commits.append(commit)
    return commits


def _is_merged(ctx: RoundContext, head: str) -> bool:
    log = ctx.lake.log(refs.MAIN, first_parent=True)
    return any(head in commit.parents[1:] for commit in log)
