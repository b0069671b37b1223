"""Tags that move and a main that moves back: noticed by the stage `lake` and by status."""

from __future__ import annotations

import json
import shutil

import pytest

from lake import refs
from lake.client import Lake
from lake.errors import AmbiguousError
from lake.home import LakeHome
from pipelines import params
from pipelines.common.errors import StaleError
from pipelines.gate import tags
from pipelines.rounds import receipts
from review.commands import status
from review.diff import build
from tests.flow.projects import Project
from tests.gate import attacker


def kinds(project: Project) -> list[tuple[str, int, str]]:
    """What is found, by kind, round and name."""
    findings = tags.check(project.lake(), params.load())
    return [(finding.kind, finding.round, finding.name) for finding in findings]


def hard_reset(lake: Lake, branch: str, commit: str) -> None:
    """Move a branch to another commit, as whoever may write to it can."""
    lake.connection.call(
        lake.connection.sdk.experimental_api.hard_reset_branch, lake.repository, branch, commit
    )


def delete_tag(lake: Lake, name: str) -> None:
    lake.connection.call(lake.connection.sdk.tags_api.delete_tag, lake.repository, name)


def first_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The first line of `stemma status`."""
    capsys.readouterr()
    status.run(dataset=None, next_steps=False, as_json=False)
    return capsys.readouterr().out.splitlines()[0]


def test_main_that_moved_back_is_noticed(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = copied.lake()
    copied.run("lake", "")
    head = lake.resolve("tiny-v2").id
    hard_reset(lake, refs.MAIN, lake.resolve("tiny-v0").id)
    assert kinds(copied) == [
        ("main was moved", 1, "rounds/tiny/1/publish.json"),
        ("main was moved", 2, "rounds/tiny/2/publish.json"),
    ]
    with pytest.raises(StaleError, match=r"main does not hold .* \(1 more: `stemma status` names"):
        copied.run("lake", "")
    assert "somebody moved main back" in first_line(capsys)
    audited = copied.stemma("audit", "--history", "main")
    assert audited.code == 1
    assert "contradict each other: main was moved (rounds/tiny/1/publish.json)" in audited.err
    assert json.loads(copied.stemma("audit", "--history", "main", "--json").out)["refs"]
    assert copied.stemma("audit", "--history", "tiny-v2").code == 0
    receipts.path("tiny", 2, "publish").unlink()  # a checkout that does not know round 2
    assert kinds(copied)[1:] == [("foreign tag", 2, "tiny-v2")]
    hard_reset(lake, refs.MAIN, head)
    copied.run("lake", "")
    assert kinds(copied) == []


def test_a_tag_that_is_gone_or_made_again_is_noticed(copied: Project) -> None:
    lake = copied.lake()
    commit = lake.resolve("tiny-v1").id
    delete_tag(lake, "tiny-v1")
    assert kinds(copied) == [("tag is gone", 1, "tiny-v1"), ("no tag", 1, "tiny-v1")]
    with pytest.raises(StaleError, match=r"tiny-v1, which .* is gone.* `stemma stage publish tiny"):
        copied.run("lake", "")
    lake.tag("tiny-v1", lake.resolve("tiny-v0").id)
    assert kinds(copied)[0] == ("tag was moved", 1, "tiny-v1")
    with pytest.raises(StaleError, match="tags of rounds never move"):
        copied.run("lake", "")
    delete_tag(lake, "tiny-v1")
    copied.run("publish", "tiny-1")
    assert (lake.tags("tiny-v1"), kinds(copied)) == ({"tiny-v1": commit}, [])


def test_tags_that_no_stage_made_are_noticed(copied: Project) -> None:
    lake = copied.lake()
    for name, target in (("tiny-v3", "tiny-r002"), ("tiny-v1.1", "tiny-v2"), ("paper-v1", "main")):
        lake.tag(name, lake.resolve(target).id)
    assert kinds(copied) == [("foreign tag", 1, "tiny-v1.1"), ("foreign tag", 3, "tiny-v3")]
    with pytest.raises(StaleError, match="which is no merge of round 1 of tiny: no stage made"):
        copied.run("lake", "")


def test_a_branch_beside_a_tag_of_its_name_is_noticed_and_not_read(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = copied.lake()
    attacker.hide_tag(lake, "tiny-v2", lake.resolve("tiny-v1").id)
    assert kinds(copied) == [("branch hides tag", 2, "tiny-v2")]
    with pytest.raises(StaleError, match="whoever reads tiny-v2 gets the branch; delete"):
        copied.run("lake", "")
    for read in (
        lambda: lake.resolve("tiny-v2~1"),
        lambda: build.diff(lake, "tiny-v1", "tiny-v2", "tiny"),
        lambda: build.datasets(lake, "tiny-v2", "main"),
    ):
        with pytest.raises(AmbiguousError, match=r"tiny-v2 is a tag, at \w+, and a branch"):
            read()
    status.run(dataset="tiny", next_steps=False, as_json=True)
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["kind"], found["name"]) == ("branch hides tag", "tiny-v2")
    lake.delete_branch("tiny-v2")
    assert (kinds(copied), lake.resolve("tiny-v2~1").id) == ([], lake.resolve("tiny-v1").id)


def test_a_superseded_round_and_one_whose_tag_is_missing_stop_nobody(copied: Project) -> None:
    kept = receipts.read("tiny", 2, "publish")
    copied.edit(
        lambda found: found["rounds"]["tiny-2"].update(publish={"guard": {"unknown": "block"}})
    )
    copied.run("publish", "tiny-2")
    assert receipts.read("tiny", 2, "publish").tag == "tiny-v2.1"
    receipts.write(kept)  # a team-mate's checkout, before it fetches the new receipt
    assert kinds(copied) == []
    delete_tag(copied.lake(), "tiny-v2.1")
    assert kinds(copied) == [("no tag", 2, "tiny-v2")]
    copied.run("lake", "")


def test_a_wiped_lake_is_no_finding(copied: Project) -> None:
    copied.stop_lake()
    shutil.rmtree(copied.root / ".lake")
    for _ in range(2):  # the receipts are still those of the old lake the second time
        copied.run("lake", "")
    copied.run("ingest", "tiny")
    assert kinds(copied) == []


def test_the_lake_is_asked_only_when_a_ref_or_a_receipt_changed(copied: Project) -> None:
    copied.run("lake", "")
    copied.stop_lake()
    copied.run("lake", "")
    assert LakeHome(copied.root / ".lake").endpoint() is None
    receipts.path("tiny", 2, "publish").unlink()
    copied.run("lake", "")
    assert LakeHome(copied.root / ".lake").endpoint() is not None
