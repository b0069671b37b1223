"""An audit of a ref's history: what each commit changed, and whether the guard let it pass.

The steps are the commits of the first-parent log, which are the states of the ref itself. A merge
of a round is verified against the guard's answer; a merge of real data or of calibrations is
verified to bring nothing else, and one of a take-down to take nothing else; any other commit that
changes something fails verification. The time of a step depends only on what it changed; commits on
merged branches are audited only through their merges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from lake.client import Lake
from lake.values import Change, Commit
from lineage.guard import GuardResult
from pipelines.common.errors import DataError
from pipelines.gate import (
    calibration_merges,
    merge_verification,
    real_data_merges,
    review_merges,
    takedown_merges,
)
from pipelines.gate.merges import SHORT, Merge
from pipelines.rounds import attestation, manifest, path_scope
from pipelines.rounds.metadata import GUARD, StageMetadata
from pipelines.rounds.trust import Trust

Kind = Literal[
    "nothing",
    "round",
    "real round",
    "real data",
    "calibration",
    "review",
    "take-down",
    "merge",
    "revert",
    "cherry-pick",
    "commit",
]
ORIGIN: Final = "cherry-pick-origin"
"""Metadata entry in which lakeFS names the commit that was picked; some servers omit it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of a history."""

    commit: Commit
    kind: Kind
    changed: int = 0
    """Number of paths that it changed."""
    first: str | None = None
    """The first changed path."""
    datasets: tuple[str, ...] = ()
    wrong: str | None = None
    """Why verification failed, in one sentence; None if it succeeded."""
    result: GuardResult | None = None
    """The guard's answer about the merged round."""
    signer: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "commit": self.commit.id,
            "created": self.commit.created,
            "committer": self.commit.committer,
            "message": self.commit.message,
            "kind": self.kind,
            "wrong": self.wrong,
            "changed": self.changed,
            "first": self.first,
            "datasets": self.datasets,
            "guard": self.result.digest if self.result else None,
            "verdict": self.result.verdict if self.result else None,
            "override": self.result.override if self.result else None,
            "signed_by": self.signer,
        }


@dataclass(slots=True)
class _Past:
    """The last commit that changed each set of paths: a later commit may revert it."""

    last: dict[int, Commit] = field(default_factory=dict)

    def note(self, changes: Iterable[Change], commit: Commit) -> Commit | None:
        """Record a commit; return the earlier commit that changed exactly the same paths."""
        key = hash(tuple(item.path for item in changes))
        before = self.last.get(key)
        self.last[key] = commit
        return before


def walk(lake: Lake, commits: Iterable[Commit], trusted: Trust | None) -> Iterator[Step]:
    """Audit the commits of a first-parent log.

    Args:
        lake: the lake.
        commits: the log, oldest first: a revert is recognised by the earlier commit that it undoes.
        trusted: keys of which one must have signed what was made since signing began; None:
            signatures are not verified.
    """
    past = _Past()
    for commit in commits:
        changes = _changes(lake, commit)
        step = Step(
            commit,
            "nothing",
            changed=len(changes),
            first=changes[0].path if changes else None,
            datasets=tuple(path_scope.datasets(changes)),
        )
        if changes:
            undone = past.note(changes, commit)
            merged = len(commit.parents) > 1
            step = (
                _merge(step, Merge(lake, commit, changes), trusted)
                if merged
                else _direct(step, lake, changes, undone)
            )
        yield replace(step, wrong=step.wrong or _false_claim(commit, changed=bool(changes)))


def _false_claim(commit: Commit, *, changed: bool) -> str | None:
    """Why the metadata of a commit states what it is not; None if it does not."""
    try:
        metadata = StageMetadata.strictly(commit)
    except DataError as error:
        return str(error)
    if metadata is None or metadata.stage != "publish" or changed:
        return None
    return f"it says that it publishes round {metadata.round} of {metadata.dataset}, and is empty"


def _changes(lake: Lake, commit: Commit) -> tuple[Change, ...]:
    """The changes of a commit against its first parent; all objects if it has no parent."""
    if commit.parents:
        changes = lake.diff(commit.parents[0], commit.id, three_dot=False, checksums=True)
        return tuple(changes)
    return tuple(
        Change(item.path, "added", item.size, item.checksum) for item in lake.objects(commit.id)
    )


def _merge(step: Step, merge: Merge, trusted: Trust | None) -> Step:
    """Verify a merge: of a round, real data, a calibration, a review, a take-down, or of none."""
    if trusted is not None:
        signer = attestation.signer_of(merge.lake, merge.commit.metadata, trusted)
        step = replace(step, signer=signer)
    if path_scope.calibrates(merge.changes):
        wrong = calibration_merges.of_calibration(merge, trusted)
        return replace(step, kind="calibration", wrong=wrong)
    if path_scope.reviews(merge.changes):
        review = review_merges.of_review(merge, trusted)
        return replace(step, kind="review", wrong=review.wrong, signer=review.signer)
    if path_scope.takes_down(merge.changes):
        taken = takedown_merges.of_takedown(merge, trusted)
        return replace(step, kind="take-down", wrong=taken.wrong, signer=taken.signer)
    brought = path_scope.rounds(merge.changes, "added", "changed")
    real = [dataset for dataset, number in brought if number == path_scope.REAL]
    if real and GUARD not in merge.commit.metadata:
        return replace(
            step, kind="real data", wrong=real_data_merges.fault(merge, real[0], trusted)
        )
    verification = merge_verification.of_round(merge, trusted)
    return replace(
        step,
        kind=_kind(merge, verification.result),
        wrong=verification.wrong,
        result=verification.result,
        signer=verification.signer,
    )


def _kind(merge: Merge, result: GuardResult | None) -> Kind:
    """What a merge of a round brought."""
    if result is None:
        return "merge"
    content = manifest.read_if_there(merge.lake, merge.commit.id, result.dataset, result.round)
    return "real round" if manifest.ARRIVALS in content else "round"


def _direct(step: Step, lake: Lake, changes: tuple[Change, ...], before: Commit | None) -> Step:
    """Classify a commit that was made on the branch itself and bypassed the guard."""
    summary, metadata = path_scope.summary(changes), step.commit.metadata
    if before is not None and _undoes(lake, changes, before):
        undone = f"{before.id[:SHORT]} ({' '.join(before.message.split())})"
        return replace(step, kind="revert", wrong=f"it reverts {undone}: it {summary}")
    if ORIGIN in metadata:
        origin = metadata[ORIGIN][:SHORT]
        return replace(step, kind="cherry-pick", wrong=f"it was picked from {origin}: it {summary}")
    return replace(step, kind="commit", wrong=f"it is no merge of a round: it {summary}")


def _undoes(lake: Lake, changes: tuple[Change, ...], before: Commit) -> bool:
    """Tell whether changes restore exactly the state before an earlier commit."""
    if not before.parents:
        return False
    back = lake.diff(before.id, before.parents[0], three_dot=False, checksums=True)
    return {_left(item) for item in changes} == {_left(item) for item in back}


def _left(item: Change) -> tuple[str, str, str | None]:
    return item.path, item.kind, item.checksum
