"""Rounds that wait for people although they pass, and for how many."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lake import refs
from lake.client import Lake
from lake.values import Commit
from pipelines import params
from pipelines.common.errors import BlockedError, ParamsError
from pipelines.gate import approval_proofs, approvals, publication, review_notice, reviews
from pipelines.gate.merges import Merge
from pipelines.gate.reviews import Approval
from pipelines.params import Round, resolve
from pipelines.rounds import history, trust
from pipelines.rounds.context import RoundContext
from tests.flow.projects import Project
from tests.flow.reviewers import lake_of

BRANCH = "tiny-r003"
ADA = "the approval of ada"


def round_3() -> Round:
    return resolve(params.load(), "tiny-3")


def waiting(project: Project, people: object) -> Lake:
    """Let round 3 pass, and wait for people."""
    project.edit(lambda found: found["rounds"]["tiny-3"].update(publish={"review": people}))
    lake = project.lake()
    with pytest.raises(BlockedError, match=f"tiny-3 waits for the approval of {people} p"):
        project.run("publish", "tiny-3")
    assert 3 not in history.published(lake, "tiny")
    return lake


def approve(lake: Lake, reason: str | None = None) -> Any:
    ctx = RoundContext(params.load(), round_3(), lake)
    return publication.approve(ctx, Approval(str(lake.head(BRANCH)), reason))


def test_a_round_waits_for_two_people_of_whom_each_counts_once(blocked: Project) -> None:
    lake = waiting(blocked, 2)
    head = lake.head(BRANCH)
    with pytest.raises(BlockedError, match="waits for the approval of 2 people: `stemma round"):
        blocked.run("publish", "tiny-3")
    assert lake.head(BRANCH) == head  # it is not judged again
    ada, bob = (lake_of(blocked, name) for name in ("ada", "bob"))
    assert approve(ada, "looks fine") is None
    said = blocked.stemma("status").out
    assert "tiny-3 waits for the approval of another person (ada approved it)" in said
    head = lake.head(BRANCH)
    with pytest.raises(BlockedError, match="ada has approved tiny-3 already, and counts once"):
        approve(ada)
    with pytest.raises(BlockedError, match="another person"):
        blocked.run("publish", "tiny-3")
    assert lake.head(BRANCH) == head
    merge = approve(bob)
    assert merge.metadata[approvals.APPROVED_BY] == "ada, bob"
    assert history.published(lake, "tiny")[3].commit == merge.id
    blocked.run("publish", "tiny-3")  # adopts it
    assert lake.head(refs.MAIN) == merge.id
    proof = blocked.stemma("audit", "--history", "main")
    assert proof.code == 0, proof.out
    assert "round 3 of tiny was approved by ada, bob" in proof.out
    check_altered(lake, merge)


def check_altered(lake: Lake, merge: Commit) -> None:
    """An approval that is not there, about something else, or of nobody who is trusted is found."""
    held = json.loads(merge.metadata[approvals.APPROVALS])
    other = [{**held[0], "entries": {**held[0]["entries"], approvals.JUDGED: "0" * 64}}, held[1]]
    unsigned = [{**held[0], "entries": {**held[0]["entries"], "stemma.signature": ""}}, held[1]]
    earlier = {name: value for name, value in merge.metadata.items() if name != approvals.APPROVALS}
    for metadata, says in (
        (merge.metadata, None),
        (earlier, None),
        (altered(merge, held[:1]), "it says that ada, bob approved, and holds approvals of ada"),
        (altered(merge, held[:1], "ada"), "it waited for 2 people, and 1 approved"),
        (altered(merge, [held[0], held[0]], "ada, ada"), "it waited for 2 people, and 1 approved"),
        (
            altered(merge, other),
            "the approval of ada is about other tables or figures than it merged",
        ),
        (altered(merge, unsigned), f"{ADA} is not signed by a key that is trusted"),
        (altered(merge, "x"), "the approvals that it holds cannot be read"),
    ):
        found = Merge(lake, replace(merge, metadata=metadata), ())
        assert approval_proofs.fault(found, trust.load(lake)) == says


def altered(merge: Commit, held: object, names: str = "ada, bob") -> dict[str, str]:
    """The metadata of a merge with other approvals."""
    more = {approvals.APPROVALS: json.dumps(held), approvals.APPROVED_BY: names}
    return {**merge.metadata, **more}


@pytest.mark.slow
def test_one_person_is_enough_where_one_is_asked_for(blocked: Project) -> None:
    lake = waiting(blocked, 1)
    said = blocked.stemma("round", "approve", "tiny-3")
    assert said.code == 0, said.err
    assert "tiny-3 is published by" in said.out
    assert 3 in history.published(lake, "tiny")


@pytest.mark.slow
def test_a_rejection_takes_approvals_back(blocked: Project) -> None:
    lake = waiting(blocked, 2)
    ada = lake_of(blocked, "ada")
    assert approve(ada) is None
    assert [each.committer for each in approvals.given(lake, round_3())] == ["ada"]
    reviews.reject(lake, round_3(), str(lake.head(BRANCH)), "no, a smear")
    assert approvals.given(lake, round_3()) == []
    with pytest.raises(BlockedError, match="a reviewer rejected tiny-3"):
        blocked.run("publish", "tiny-3")


def test_the_setting_is_none_or_one_or_two_people(blocked: Project) -> None:
    key = params.load().datasets["tiny"].publish
    assert key.review == "none"
    blocked.edit(lambda found: found["rounds"]["tiny-3"].update(publish={"review": 3}))
    with pytest.raises(ParamsError, match="review"):
        round_3()


def test_people_are_told_that_it_waits(blocked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    monkeypatch.setenv(review_notice.COMMAND, shlex.join([sys.executable, "-c", code]))
    waiting(blocked, 1)
    told = json.loads(Path("told.json").read_text(encoding="utf-8"))
    assert (told["round"], told["branch"]) == ("tiny-3", BRANCH)
    assert "waits for the approval of 1 p" in told["reason"]
