"""Rejections on main: what a reviewer rejected stays rejected, whatever becomes of its branch."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from lake import refs
from lake.client import Lake
from lake.values import Commit
from pipelines import params
from pipelines.common.errors import BlockedError, DataError
from pipelines.gate import history_audit, publication, rejections, review_merges, reviews
from pipelines.gate.merges import Merge
from pipelines.gate.rejections import Record
from pipelines.gate.reviews import Approval
from pipelines.inquiry import overview
from pipelines.params import Round, resolve
from pipelines.rounds import context, merging, path_scope, receipts, trust
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.staging_branch import staging_branch
from tests.flow.projects import STAGES, Project

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

BRANCH = "tiny-r003"
RENAMED = "tiny/reviews/r003-0123456789abcdef.json"


def round_3() -> Round:
    return resolve(params.load(), "tiny-3")


def rejected(project: Project, reason: str = "blurred") -> Lake:
    """Reject round 3, and let the guard pass it from then on."""
    lake = project.lake()
    reviews.reject(lake, round_3(), str(lake.head(BRANCH)), reason)
    project.edit(lambda found: found["rounds"]["tiny-3"].update(publish={}))
    return lake


def wrong(lake: Lake, commit: Commit) -> str | None:
    """What the verification of a review's merge says."""
    changes = tuple(lake.diff(commit.parents[0], commit.id, three_dot=False, checksums=True))
    assert path_scope.reviews(changes)
    return review_merges.of_review(Merge(lake, commit, changes), trust.load(lake)).wrong


def test_a_rejection_outlives_its_branch(blocked: Project) -> None:
    lake = rejected(blocked)
    lake.delete_branch(BRANCH)
    blocked.round("tiny-3", *STAGES[:-1])  # nothing is left to adopt
    with pytest.raises(BlockedError, match="a reviewer rejected tiny-3: blurred"):
        blocked.run("publish", "tiny-3")
    (entry,) = overview.collect(lake, "tiny")["open"]
    assert (entry["state"], entry["rejected"]) == ("rejected", "blurred")


@pytest.mark.slow
def test_a_rejection_outlives_a_branch_that_moved_back(blocked: Project) -> None:
    lake = rejected(blocked)
    before = receipts.read("tiny", 3, "evaluate").commit
    lake.set_branch(BRANCH, before)
    with pytest.raises(BlockedError, match="a reviewer rejected tiny-3: blurred"):
        blocked.run("publish", "tiny-3")
    lake.set_branch(BRANCH, receipts.read("tiny", 3, "curate").commit)
    blocked.run("evaluate", "tiny-3")
    assert receipts.read("tiny", 3, "evaluate").commit != before
    with pytest.raises(BlockedError, match="a reviewer rejected tiny-3: blurred"):
        blocked.run("publish", "tiny-3")


def test_an_approval_with_a_reason_overrules_until_it_is_rejected_again(blocked: Project) -> None:
    lake = rejected(blocked)
    evaluated = receipts.read("tiny", 3, "evaluate").commit
    lake.set_branch(BRANCH, evaluated)
    merge = publication.approve(context.open_context("tiny-3"), Approval(evaluated, "looked again"))
    assert merge.metadata[reviews.OVERRULED] == "blurred"
    assert reviews.of_round(lake, round_3(), evaluated) is None
    (record,) = rejections.of_round(lake, "tiny", 3)
    later = record.model_copy(update={"created": merge.created + 1, "reason": "no, blurred"})
    rejections.keep(lake, later)
    found = reviews.of_round(lake, round_3(), evaluated)
    assert found is not None
    assert found.reason == "no, blurred"


def test_a_round_with_another_outcome_is_not_the_rejected_one(blocked: Project) -> None:
    lake = rejected(blocked)
    blocked.edit(lambda found: found["rounds"]["tiny-3"].update(curate={"max_accepted": 5}))
    blocked.round("tiny-3", "curate", "evaluate", "publish")
    assert overview.collect(lake, "tiny")["open"] == []
    assert len(rejections.of_round(lake, "tiny", 3)) == 1


def test_what_supersedes_rounds_leaves_rejections_as_they_are(blocked: Project) -> None:
    lake = rejected(blocked)
    with staging_branch(lake, "tiny-r000", refs.MAIN) as branch:
        cleared = merging.supersede(lake, branch, StageMetadata("supersede", "tiny", 0))
        (item,) = lake.objects(cleared, "tiny/")
    assert item.path.startswith("tiny/reviews/r003-")


def test_a_rejection_is_signed_and_two_at_once_are_both_kept(blocked: Project) -> None:
    lake = rejected(blocked)
    (record,) = rejections.of_round(lake, "tiny", 3)
    assert wrong(lake, lake.resolve(refs.MAIN)) is None
    said = blocked.stemma("audit", "--history", "main")
    assert ", 1 merge of a review, " in said.out
    assert said.code == 0
    others = [record.model_copy(update={"reason": f"reason {number}"}) for number in range(3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda other: rejections.keep(lake, other), others))
    reasons = {each.reason for each in rejections.of_dataset(lake, "tiny")}
    assert reasons == {"blurred", "reason 0", "reason 1", "reason 2"}
    log = list(lake.log(refs.MAIN, first_parent=True))[::-1]
    assert [
        step.wrong for step in history_audit.walk(lake, log, trust.load(lake)) if step.wrong
    ] == []


def test_a_forged_rejection_is_named(blocked: Project) -> None:
    lake = rejected(blocked)
    (record,) = rejections.of_round(lake, "tiny", 3)
    start, sealed = lake.resolve(refs.MAIN), lake.resolve(refs.MAIN).metadata

    def merged(made: Record, about: dict[str, str], path: str = "") -> Commit:
        lake.set_branch("forge", start.id)
        lake.set_branch("forged", start.id)
        lake.write_bytes("forge", path or rejections.place(made), rejections.encoded(made))
        return lake.merge(lake.commit("forge", "m", {}).id, "forged", "m", about)

    other = record.model_copy(update={"reason": "forged"})
    assert "its stemma.review.record is not that of" in str(
        wrong(lake, merged(other, dict(sealed)))
    )
    unsigned = {rejections.RECORD: hashlib.sha256(rejections.encoded(other)).hexdigest()}
    assert "is not signed" in str(wrong(lake, merged(other, unsigned)))
    somebody = record.model_copy(update={"committer": "somebody"})
    assert "says that somebody decided" in str(wrong(lake, merged(somebody, dict(sealed))))
    moved = merged(other, unsigned, RENAMED)
    assert "was altered: its name is not that of its content" in str(wrong(lake, moved))
    lake.write_bytes("forge", RENAMED, b"{}")
    with pytest.raises(DataError, match="is no record of a review"):
        rejections.read(lake, "forge", RENAMED)
