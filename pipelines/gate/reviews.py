"""What a person decides about a round on its branch: approval with a reason, or rejection.

A rejection is an empty commit on top of the branch: what was judged stays as it was, and as long as
the branch ends there the round is not published. Whatever makes the branch anew (other candidates,
other verdicts, another main below it) asks for another look (docs/decisions/0013).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lake.client import Lake
from lake.values import Commit
from lineage.guard import GuardResult
from pipelines.common.errors import ReasonError, StaleError
from pipelines.params import Round
from pipelines.rounds import branches
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.staging_branch import staging_branch

STAGE: Final = "review"
REJECTED: Final = "stemma.review.rejected"
REASON: Final = "stemma.review.reason"
SEEN: Final = "stemma.review.seen"
OVERRULED: Final = "stemma.review.overruled"
LONGEST: Final = 2000
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a round was rejected, when (unix seconds), and by whom as the lake knows them."""

    commit: str
    reason: str
    created: int
    committer: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A person lets a round through."""

    seen: str
    """The head of the branch that the person looked at."""
    reason: str | None = None

    def check(self, result: GuardResult, rejection: Rejection | None) -> None:
        """Make sure that there is a reason where the guard's answer or a rejection asks for one.

        Raises:
            ReasonError: there is none, or it is too long.
        """
        if self.reason is not None:
            checked(self.reason)
        elif rejection is not None:
            raise ReasonError("the round was rejected; give a reason to publish it all the same")
        elif needs_reason(result):
            odd = [item.name for item in result.checks if item.verdict != "pass"]
            raise ReasonError(
                f"the guard's answer is {result.verdict} ({', '.join(odd)}); "
                "give a reason to publish all the same"
            )

    def metadata(self, rejection: Rejection | None) -> dict[str, str]:
        """What the merge says of it."""
        entries = {SEEN: self.seen, REASON: self.reason, OVERRULED: rejection and rejection.reason}
        return {name: value for name, value in entries.items() if value}


def needs_reason(result: GuardResult) -> bool:
    """Whether a person has to say why the round may be published."""
    return any(check.verdict != "pass" for check in result.checks)


def checked(reason: str) -> str:
    """A reason without space around it.

    Raises:
        ReasonError: it is empty or too long.
    """
    text = reason.strip()
    if not text:
        raise ReasonError("a reason is needed; say in a sentence why")
    if len(text) > LONGEST:
        raise ReasonError(f"the reason has {len(text):,} characters; the limit is {LONGEST:,}")
    return text


def rejection(commit: Commit) -> Rejection | None:
    """What a commit says, if it is a rejection."""
    reason = commit.metadata.get(REJECTED)
    metadata = StageMetadata.from_commit(commit)
    if metadata is None or metadata.stage != STAGE or reason is None:
        return None
    return Rejection(commit.id, reason, commit.created, commit.committer)


def of_branch(lake: Lake, branch: str) -> Rejection | None:
    """The rejection that a branch ends with."""
    head = lake.head(branch)
    return rejection(lake.resolve(head)) if head is not None else None


def reject(lake: Lake, round_: Round, seen: str, reason: str) -> Commit:
    """Record on a round's branch that it was rejected.

    Args:
        lake: the lake.
        round_: the round.
        seen: the head of the branch that the person looked at.
        reason: why.

    Raises:
        ReasonError: there is no reason, or it is too long.
        StaleError: the branch has moved since.
    """
    text = checked(reason)
    unmoved(lake, round_.branch, seen)
    decision = {REJECTED: text, SEEN: seen}
    metadata = branches.metadata(round_, STAGE).to_metadata() | decision
    with staging_branch(lake, round_.branch, seen) as branch:
        commit = lake.commit(branch, f"Reject {round_.key}", metadata)
        unmoved(lake, round_.branch, seen)
        lake.set_branch(round_.branch, commit.id)
    return commit


def unmoved(lake: Lake, branch: str, seen: str) -> None:
    """Make sure that a branch is where a person saw it.

    Raises:
        StaleError: it is not.
    """
    head = lake.head(branch)
    if head != seen:
        now = f"is at {head[:12]} now" if head else "is gone"
        raise StaleError(f"{branch} {now}, not at {seen[:12]}; look at it again")
