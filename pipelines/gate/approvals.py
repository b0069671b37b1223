"""Approvals of a round that more than one person has to approve: `publish.review: 2`.

An approval is an empty, signed commit on top of the round's branch, as a rejection is: it changes
no table and no figure. It counts as long as the branch ends with it, so what makes the branch anew
asks for approvals again, and a rejection on top of it takes it back. A person counts once: whoever
the lake names as the committer. The merge holds the signed entries of each approval, since the
branch moves on and nothing leads to the commits any more (`pipelines.gate.approval_proofs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lake.client import Lake
from lake.values import Commit
from pipelines.common import digests
from pipelines.common.errors import BlockedError
from pipelines.gate import rejections, reviews
from pipelines.gate.reviews import Approval
from pipelines.params import Round
from pipelines.rounds import attestation, branches, history, trust
from pipelines.rounds.context import RoundContext
from pipelines.rounds.metadata import PUBLISH_KEY, StageMetadata
from pipelines.rounds.staging_branch import staging_branch

APPROVED: Final = "stemma.review.approved"
"""Metadata entry of an approval: its reason, or `yes` where none was given."""
APPROVED_BY: Final = "stemma.review.approved_by"
"""Metadata entry of the merge: who approved the round, where more than one person had to."""
APPROVALS: Final = "stemma.review.approvals"
"""Metadata entry of the merge: committer and signed entries of each approval, as JSON."""
NEEDED: Final = "stemma.review.needed"
"""Metadata entry of the merge: how many people the round waited for."""
JUDGED: Final = "stemma.review.content"
"""Metadata entry of an approval: digest of the tables and figures that the person approved."""
YES: Final = "yes"
ON_TOP: Final = ("guard", reviews.STAGE)


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """An approval on the branch of a round."""

    committer: str
    reason: str
    created: int
    """Unix seconds."""
    entries: Mapping[str, str]
    """The signed entries of the metadata."""


def needed(round_: Round) -> int:
    """How many people have to approve a round, whatever its checks say."""
    review = round_.settings.publish.review
    return 0 if review == "none" else review


def given(lake: Lake, round_: Round) -> list[GivenApproval]:
    """The approvals at the head of a round's branch, the oldest first, one of each person."""
    head = lake.head(round_.branch)
    found: dict[str, GivenApproval] = {}
    trusted = trust.load(lake)
    for commit in history.chain(lake, head, round_) if head is not None else ():
        metadata = StageMetadata.from_commit(commit)
        if metadata is None or metadata.stage not in ON_TOP or reviews.rejection(commit):
            break
        reason = commit.metadata.get(APPROVED)
        if reason is not None and attestation.fault(lake, commit, trusted) is None:
            found[commit.committer] = GivenApproval(
                commit.committer, reason, commit.created, attestation.sealed(commit.metadata)
            )
    return list(found.values())[::-1]


def awaited(lake: Lake, round_: Round) -> str | None:
    """Who a round waits for, in one sentence; None if it waits for nobody."""
    there = given(lake, round_)
    lacking = needed(round_) - len(there)
    if lacking <= 0:
        return None
    people = "person" if lacking == 1 else "people"
    names = " and ".join(each.committer for each in there)
    before = f" ({names} approved it)" if there else ""
    other = "another " if there and lacking == 1 else f"{lacking} "
    return f"{round_.key} waits for the approval of {other}{people}{before}"


def refuse_unapproved(ctx: RoundContext, key: str) -> None:
    """Refuse to judge a round again that is judged or approved already, and waits for people.

    Args:
        ctx: the round.
        key: the key under which it would be published.

    Raises:
        BlockedError: it waits; the message says for whom.
    """
    sentence = awaited(ctx.lake, ctx.round)
    if sentence is None or not (_is_judged(ctx, key) or given(ctx.lake, ctx.round)):
        return
    raise BlockedError(waiting(ctx.round, sentence))


def waiting(round_: Round, sentence: str) -> str:
    """A sentence for the terminal: a round waits, and how people approve it."""
    return f"{sentence}: `stemma round approve {round_.key}`, or the page of `stemma ui`"


def add(ctx: RoundContext, approval: Approval) -> int:
    """Keep the approval of a person on the branch of a round; return how many there are then.

    Raises:
        BlockedError: the person has approved the round already.
        SigningError: there is no key to sign with.
        StaleError: the branch has moved.
    """
    lake, round_, seen = ctx.lake, ctx.round, approval.seen
    before = {each.committer for each in given(lake, round_)}
    entries = branches.metadata(round_, reviews.STAGE).to_metadata()
    judged = rejections.content(lake, seen, round_.dataset, round_.number)
    entries |= {APPROVED: approval.reason or YES, reviews.SEEN: seen, JUDGED: judged}
    entries |= attestation.contents(lake, seen, seen, round_.dataset, round_.number)
    with staging_branch(lake, round_.branch, seen) as branch:
        commit = lake.commit(branch, f"Approve {round_.key}", attestation.seal(lake, entries))
        _refuse_twice(commit, before, round_)
        reviews.unmoved(lake, round_.branch, seen)
        lake.set_branch(round_.branch, commit.id)
    return len(before) + 1


def entries_of(lake: Lake, round_: Round) -> dict[str, str]:
    """Metadata entries of the merge about who approved a round, where people had to."""
    there = given(lake, round_)
    if not there:
        return {}
    if not all(JUDGED in each.entries for each in there):  # of a release that did not seal them
        return {APPROVED_BY: ", ".join(each.committer for each in there)}
    held = [{"committer": each.committer, "entries": dict(each.entries)} for each in there]
    return {
        APPROVED_BY: ", ".join(each.committer for each in there),
        APPROVALS: digests.canonical(held).decode(),
        NEEDED: str(needed(round_)),
    }


def _refuse_twice(commit: Commit, before: set[str], round_: Round) -> None:
    if commit.committer in before:
        raise BlockedError(
            f"{commit.committer} has approved {round_.key} already, and counts once; another "
            "person is awaited"
        )


def _is_judged(ctx: RoundContext, key: str) -> bool:
    """Whether the branch holds the guard's answer under a key."""
    head = ctx.lake.head(ctx.round.branch)
    chain = history.chain(ctx.lake, head, ctx.round) if head is not None else ()
    return any(commit.metadata.get(PUBLISH_KEY) == key for commit in chain)
