"""Reviews: a person approves a round on its branch with a reason, or rejects it.

A rejection is kept on main (`pipelines.gate.rejections`), and an empty commit on top of the branch
tells of it: the judged content stays as it was. A round of that content is not published, whatever
becomes of its branch, nor is one whose branch ends with a rejection, as earlier releases rejected.
A round with other candidates, verdicts or figures needs another review (docs/decisions/0013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lake.client import Lake
from lake.values import Commit
from lineage.evidence import UNOBJECTIONABLE, Check
from lineage.guard import GuardResult
from pipelines.common.errors import ReasonError, StaleError, UnconfirmedError
from pipelines.gate import rejections
from pipelines.gate.rejections import Record
from pipelines.params import Round
from pipelines.rounds import attestation, branches, history
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.staging_branch import staging_branch

STAGE: Final = "review"
REJECTED: Final = "stemma.review.rejected"
REASON: Final = "stemma.review.reason"
SEEN: Final = "stemma.review.seen"
OVERRULED: Final = "stemma.review.overruled"
LONGEST: Final = 2000
"""Limit of the length of a reason, in characters."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejection: its reason, its time (Unix seconds), and the committer as the lake names it."""

    commit: str
    reason: str
    created: int
    committer: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's approval of a round."""

    seen: str
    """Id of the branch's head that the person reviewed."""
    reason: str | None = None
    against: frozenset[str] | None = None
    """Checks that block, against which the person confirms to publish; None: against any."""

    def check(self, result: GuardResult, rejection: Rejection | None) -> None:
        """Check that there is a reason if the guard's answer or a rejection requires one.

        Raises:
            ReasonError: the reason is missing or too long.
            UnconfirmedError: checks block against which the person did not confirm to publish.
        """
        if self.reason is not None:
            checked(self.reason)
        elif rejection is not None:
            raise ReasonError("the round was rejected; give a reason to publish it all the same")
        elif needs_reason(result):
            objecting = [item.name for item in result.checks if _objects(item)]
            named = result.blocking or objecting
            raise ReasonError(
                f"the guard's answer is {result.verdict} ({', '.join(named)}); "
                "give a reason to publish all the same"
            )
        if self.against is not None and not self.against.issuperset(result.blocking):
            raise UnconfirmedError(
                f"the guard blocks this round ({', '.join(result.blocking)}), and nothing is "
                "published yet; confirm below that it is to be published all the same",
                tuple(result.blocking),
            )

    def metadata(self, rejection: Rejection | None) -> dict[str, str]:
        """Metadata entries of the merge about the approval."""
        entries = {SEEN: self.seen, REASON: self.reason, OVERRULED: rejection and rejection.reason}
        return {name: value for name, value in entries.items() if value}


def needs_reason(result: GuardResult) -> bool:
    """Tell whether a person must give a reason to publish the round."""
    return any(map(_objects, result.checks))


def _objects(check: Check) -> bool:
    return check.verdict not in UNOBJECTIONABLE


def checked(reason: str) -> str:
    """Check a reason and strip the white space around it.

    Raises:
        ReasonError: the reason is empty or too long.
    """
    text = reason.strip()
    if not text:
        raise ReasonError("a reason is needed; say in a sentence why")
    if len(text) > LONGEST:
        raise ReasonError(f"the reason has {len(text):,} characters; the limit is {LONGEST:,}")
    return text


def rejection(commit: Commit) -> Rejection | None:
    """Read a rejection from a commit; None if the commit is not a rejection."""
    reason = commit.metadata.get(REJECTED)
    metadata = StageMetadata.from_commit(commit)
    if metadata is None or metadata.stage != STAGE or reason is None:
        return None
    return Rejection(commit.id, reason, commit.created, commit.committer)


def of_branch(lake: Lake, branch: str) -> Rejection | None:
    """The rejection at the head of a branch; None if the head is not a rejection."""
    head = lake.head(branch)
    return rejection(lake.resolve(head)) if head is not None else None


def of_round(lake: Lake, round_: Round, commit: str) -> Rejection | None:
    """The rejection of what a commit holds of a round; None if nobody rejected it.

    It is the one at the head of the round's branch, or else the newest one on main of the same
    content, unless it was overruled since: main holds that content by an approval over a rejection.

    Args:
        lake: the lake.
        round_: the round.
        commit: id of a commit that holds the round, such as its evaluate commit.
    """
    on_branch = of_branch(lake, round_.branch)
    if on_branch is not None:
        return on_branch
    records = rejections.of_round(lake, round_.dataset, round_.number)
    record = matching(lake, commit, records)
    if record is None or _overruled(lake, record):
        return None
    return Rejection(record.commit, record.reason, record.created, record.committer)


def matching(lake: Lake, commit: str, records: Sequence[Record]) -> Record | None:
    """The first record that is about what a commit holds; None if none is.

    Args:
        lake: the lake.
        commit: id of the commit.
        records: records of rejections of one round.
    """
    if not records:
        return None
    held = rejections.content(lake, commit, records[0].dataset, records[0].round)
    return next((record for record in records if record.content == held), None)


def _overruled(lake: Lake, record: Record) -> bool:
    """Tell whether main holds the rejected content by an approval after the rejection."""
    merged = history.published(lake, record.dataset).get(record.round)
    if merged is None:
        return False
    merge = lake.resolve(merged.commit)
    held = rejections.content(lake, merged.source, record.dataset, record.round)
    later = merge.created >= record.created
    return OVERRULED in merge.metadata and later and held == record.content


def reject(lake: Lake, round_: Round, seen: str, reason: str) -> Commit:
    """Record on main and on a round's branch that it was rejected.

    Args:
        lake: the lake.
        round_: the round.
        seen: id of the branch's head that the person reviewed.
        reason: the reason of the rejection.

    Raises:
        ReasonError: the reason is empty or too long.
        SigningError: there is no key to sign with.
        StaleError: the branch has moved since then.
    """
    text, dataset, number = checked(reason), round_.dataset, round_.number
    unmoved(lake, round_.branch, seen)
    entries = branches.metadata(round_, STAGE).to_metadata() | {REJECTED: text, SEEN: seen}
    entries |= attestation.contents(lake, seen, seen, dataset, number)
    with staging_branch(lake, round_.branch, seen) as branch:
        commit = lake.commit(branch, f"Reject {round_.key}", attestation.seal(lake, entries))
        unmoved(lake, round_.branch, seen)
        rejections.keep(lake, _record(lake, round_, rejection=commit, seen=seen, reason=text))
        lake.set_branch(round_.branch, commit.id)
    return commit


def _record(lake: Lake, round_: Round, *, rejection: Commit, seen: str, reason: str) -> Record:
    return Record(
        dataset=round_.dataset,
        round=round_.number,
        line=round_.line,
        reason=reason,
        committer=rejection.committer,
        created=rejection.created,
        seen=seen,
        commit=rejection.id,
        content=rejections.content(lake, seen, round_.dataset, round_.number),
    )


def unmoved(lake: Lake, branch: str, seen: str) -> None:
    """Check that a branch has not moved since a person reviewed it.

    Raises:
        StaleError: the branch has moved or was deleted.
    """
    head = lake.head(branch)
    if head != seen:
        now = f"is at {head[:12]} now" if head else "is gone"
        raise StaleError(f"{branch} {now}, not at {seen[:12]}; review it as it is now")
