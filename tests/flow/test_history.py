"""The proof in the history of rounds: what no guard let through is found, and nothing else is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lakefs_sdk
import pytest

from lake import refs
from lake.server.catalog import commits
from lake.server.catalog.commits import CommitMessage
from lake.server.catalog.database import Database
from lake.server.catalog.refs import Refs
from lake.server.catalog.trees import Tree
from lineage import guard
from lineage.guard import Check
from pipelines.gate import guard_record, history_audit
from pipelines.rounds import manifest
from pipelines.rounds.attestation import SIGNER
from review.commands import history
from review.errors import Findings
from tests.flow.lab import MORE, Lab, add_samples, revert, trust

# Histories without a finding


def test_a_healthy_history_has_no_finding(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    history.run(ref=lab.merge.id, dataset=None, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["findings"] == []
    assert content["steps"] == {"round": 3, "real data": 1, "nothing": 1}
    assert [each["verdict"] for each in content["proved"]] == ["pass", "pass", "pass", None]
    done = lab.project.stemma("audit", "--history", "main")
    assert done.code == 0, done.said
    assert (
        "main: 3 merges of rounds, 1 merge of real data, 1 commit without changes, 0 findings"
        in (done.out)
    )
    assert f"1 merge by {lab.merge.metadata[SIGNER]}" in done.out


def test_the_same_merge_elsewhere_is_as_good(lab: Lab, keys: tuple[Path, Path]) -> None:
    """What the tests below change bit by bit has nothing wrong."""
    ref = lab.merged("same", lab.source, lab.merge.metadata)
    assert lab.found(ref) == []
    commit, about = lab.rejudged("honest", lab.result.judged)
    assert lab.found(lab.merged("same-again", commit, about)) == []
    (step,) = history_audit.walk(lab.lake, [lab.lake.resolve("same")], trust(lab, keys[0]))
    assert (step.kind, step.wrong) == ("round", None)
    assert step.result == lab.result
    assert step.signer == lab.merge.metadata[SIGNER]


def test_merges_of_nothing_and_commits_of_nothing_are_fine(lab: Lab) -> None:
    ref = lab.branch("idle", lab.merge.id)
    lab.lake.commit(ref, "nothing", {})
    lab.lake.merge(lab.source, ref, "again", {})
    lab.lake.merge(lab.start, ref, "older", {"stemma.guard": "0" * 64})
    assert lab.found(ref) == []


def test_an_override_is_shown_with_its_reason(
    lab: Lab, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is no finding: somebody stands for it."""
    result = guard.read(manifest.read(lab.lake, lab.blocked, "tiny", 3)["guard"])
    assert result.blocked
    bound = result.bound_to(result.judged, override="a trial [see minutes]")
    commit, about = lab.rejudged(
        "overridden", lab.result.judged, keys[0], checks=bound.checks, override=bound.override
    )
    ref = lab.merged("with-reason", commit, about)
    history.run(ref=ref, dataset=None, as_json=False)
    shown = capsys.readouterr().out
    assert "was published although the guard blocked it (real_share), by " in shown
    assert " UTC: a trial [see minutes]" in shown
    history.run(ref=ref, dataset=None, as_json=True)
    proved = json.loads(capsys.readouterr().out)["proved"][0]
    assert (proved["verdict"], proved["override"]) == ("override", "a trial [see minutes]")


# Merges that no guard let through


def test_a_merge_by_hand_of_a_blocked_round(lab: Lab) -> None:
    step = lab.only(lab.merged("by-hand", lab.blocked, {}))
    assert step.wrong == (
        "it carries no answer of the guard, "
        "and brings round 3 of tiny (the guard said block: real_share)"
    )
    assert (step.kind, step.datasets) == ("merge", ("tiny",))


def test_a_blocked_round_with_the_metadata_of_its_own_answer(lab: Lab) -> None:
    result = guard.read(manifest.read(lab.lake, lab.blocked, "tiny", 3)["guard"])
    about = {**lab.merge.metadata, **guard_record.guard_metadata(result)}
    step = lab.only(lab.merged("blocked", lab.blocked, about))
    assert step.wrong == "the guard blocks it (real_share) and nobody gave a reason"


def test_a_blocked_round_with_the_metadata_of_another(lab: Lab) -> None:
    step = lab.only(lab.merged("borrowed", lab.blocked, lab.merge.metadata))
    assert re.match(r"its stemma\.guard is not that of the guard's answer", step.wrong or "")


def test_a_merge_by_hand_of_a_round_that_passes(lab: Lab) -> None:
    step = lab.only(lab.merged("by-hand-2", lab.source, {"stemma.stage": "publish"}))
    assert "and brings round 3 of tiny (the guard said pass)" in (step.wrong or "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("stemma.guard", "0" * 64, "its stemma.guard is not that"),
        ("stemma.guard.judged", "start", "its stemma.guard.judged is not that"),
        ("stemma.guard.verdict", "warn", "its stemma.guard.verdict is not that"),
        ("stemma.guard.checks", "{}", "its stemma.guard.checks is not that"),
        ("stemma.override", "because", "it names an override, and the guard's answer has none"),
        ("stemma.round", "2", "the answer it carries is about round 3 of tiny"),
        ("stemma.round", "9", "holds no answer of the guard about round 9"),
        ("stemma.round", "x", "it carries no answer of the guard"),
        ("stemma.dataset", "tiny/samples", "it carries no answer of the guard"),
        ("stemma.dataset", "other", "holds no answer of the guard about round 3"),
    ],
)
def test_forged_metadata(lab: Lab, name: str, value: str, said: str) -> None:
    about = {**lab.merge.metadata, name: lab.start if value == "start" else value}
    if (name, value) == ("stemma.round", "2"):  # round 2's manifest, on the source of round 3
        said = "its stemma.guard is not that"
    step = lab.only(lab.merged("forged", lab.source, about))
    assert said in (step.wrong or "")


def test_the_answer_of_another_round(lab: Lab) -> None:
    """Round 2's answer, in round 3's manifest too."""
    other = guard.read(manifest.read(lab.lake, lab.start, "tiny", 2)["guard"])

    def write(branch: str) -> None:
        manifest.extend(lab.lake, branch, "tiny", 3, guard=other.to_dict())

    commit = lab.committed("swapped", lab.result.judged, write)
    about = {**lab.merge.metadata, **guard_record.guard_metadata(other)}
    step = lab.only(lab.merged("swap", commit, about))
    assert step.wrong == "the answer it carries is about round 2 of tiny"


def test_the_answer_about_another_commit(lab: Lab) -> None:
    """Consistent in itself, and judged on a branch that does not lead lab."""
    elsewhere = lab.committed(
        "elsewhere", lab.result.judged, lambda branch: lab.lake.write_bytes(branch, "x", b"x")
    )
    result = replace(lab.result, judged=elsewhere)

    def write(branch: str) -> None:
        manifest.extend(lab.lake, branch, "tiny", 3, guard=result.to_dict())

    commit = lab.committed("other-judged", lab.result.judged, write)
    about = {**lab.merge.metadata, **guard_record.guard_metadata(result)}
    step = lab.only(lab.merged("other-commit", commit, about))
    assert f"does not descend from {elsewhere[:12]}" in (step.wrong or "")


@pytest.mark.parametrize("judged", ["", "main", "0" * 64])
def test_the_answer_about_no_commit(lab: Lab, judged: str) -> None:
    result = replace(lab.result, judged=judged)

    def write(branch: str) -> None:
        manifest.extend(lab.lake, branch, "tiny", 3, guard=result.to_dict())

    commit = lab.committed("no-judged", lab.result.judged, write)
    step = lab.only(
        lab.merged(
            "no-commit", commit, {**lab.merge.metadata, **guard_record.guard_metadata(result)}
        )
    )
    assert re.search("about no commit|does not descend", step.wrong or "")


def test_an_altered_answer(lab: Lab) -> None:
    content = lab.result.to_dict()
    content["checks"][0]["value"] = 0.9

    def write(branch: str) -> None:
        manifest.extend(lab.lake, branch, "tiny", 3, guard=content)

    commit = lab.committed("altered", lab.result.judged, write)
    step = lab.only(lab.merged("alter", commit, lab.merge.metadata))
    assert "was altered" in (step.wrong or "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"checks": ()}, "has no checks"),
        ({"limits": ""}, "does not say which limits"),
        (
            {"checks": (Check("depth", 9.0, "block >6", "block", ""),)},
            "blocks it (depth) and nobody",
        ),
        (
            {"checks": (Check("depth", 9.0, "", "block", ""),), "override": "  "},
            "blocks it (depth) and nobody",
        ),
    ],
)
def test_an_answer_that_lets_nothing_through(
    lab: Lab, changes: Mapping[str, Any], said: str
) -> None:
    commit, about = lab.rejudged("weak", lab.result.judged, **changes)
    assert said in (lab.only(lab.merged("weaker", commit, about)).wrong or "")


def test_one_more_commit_after_judging(lab: Lab) -> None:
    commit = lab.committed("late", lab.source, add_samples(lab.lake))
    step = lab.only(lab.merged("later", commit, lab.merge.metadata))
    judged = lab.result.judged[:12]
    assert step.wrong == f"after the guard judged {judged}, {MORE} was added"


def test_a_manifest_that_changed_after_judging(lab: Lab) -> None:
    def write(branch: str) -> None:
        manifest.extend(lab.lake, branch, "tiny", 3, counts={"accepted": 10**6})

    commit = lab.committed("counted", lab.source, write)
    step = lab.only(lab.merged("counts", commit, lab.merge.metadata))
    assert "tiny/rounds/003.json was changed beyond its answer" in (step.wrong or "")


@pytest.mark.parametrize(
    "path",
    [
        "other/samples/round=003/part-00000.parquet",
        "tiny/samples/round=002/part-00001.parquet",
        "tiny/samples/round=0003/part-00000.parquet",
        "tiny/samples/more/round=003/part-00000.parquet",
        "tiny/left",
        "README.md",
    ],
)
def test_what_was_judged_beside_the_round(lab: Lab, path: str) -> None:
    """The guard judges a round; what else is on the branch passes it unseen."""
    at = lab.committed(
        "beside", lab.result.judged, lambda branch: lab.lake.write_bytes(branch, path, b"x")
    )
    commit, about = lab.rejudged("beside-judged", at)
    step = lab.only(lab.merged("besides", commit, about))
    assert step.wrong == f"round 3 of tiny was judged, and it adds {path} besides"


def test_an_earlier_round_that_was_removed_on_the_branch(lab: Lab) -> None:
    path = refs.part("tiny", "samples", 2)
    at = lab.committed("fewer", lab.result.judged, lambda branch: lab.lake.delete(branch, [path]))
    commit, about = lab.rejudged("fewer-judged", at)
    step = lab.only(lab.merged("less", commit, about))
    assert step.wrong == f"round 3 of tiny was judged, and it removes {path} besides"


def test_a_merge_that_was_forced(lab: Lab) -> None:
    """Main changed the same paths, and a strategy said who wins."""
    commit, about = lab.rejudged("forced-source", lab.result.judged)
    ref = lab.branch("forced", lab.merge.id)
    wanted = lakefs_sdk.Merge(message="forced", metadata=about, strategy="source-wins")
    call, sdk = lab.lake.connection.call, lab.lake.connection.sdk
    call(sdk.refs_api.merge_into_branch, lab.lake.repository, commit, ref, merge=wanted)
    step = lab.only(ref)
    assert "it was forced: tiny/head.json had been changed on both sides" in (step.wrong or "")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (MORE, f"it changes {MORE}, which its source did not bring"),
        ("tiny/scores/round=003/part-00000.parquet", "it leaves out tiny/scores/round=003/"),
        ("tiny/samples/round=003/part-00000.parquet", "it holds another tiny/samples/round=003/"),
    ],
)
def test_a_merge_that_holds_something_else_than_its_source(lab: Lab, path: str, said: str) -> None:
    """No client makes such a merge; somebody who writes the lake's files can."""
    lake = lab.lake
    name = f"doctored-{abs(hash(path))}"
    lab.merged(name, lab.source, lab.merge.metadata)
    lab.project.stop_lake()
    database = Database(lab.project.root / ".lake" / "catalog.db")
    branches = Refs(database)
    head = commits.read(
        database, lake.repository, branches.get("branches", lake.repository, name).commit
    )
    tree = Tree(database, head.root)
    entry = None if "scores" in path else tree.get(refs.part("tiny", "lineage", 3))
    with database.change():
        changed = tree.updated({path: entry})
        parents = tuple(commits.read(database, lake.repository, each) for each in head.parents)
        made = commits.make(
            lake.repository,
            changed.root,
            parents,
            CommitMessage(head.message, "who", head.metadata),
        )
        commits.write(database, lake.repository, made)
        branches.move_branch(lake.repository, name, made.id)
    database.connection.close()
    assert said in (lab.only(name).wrong or "")


# Commits on main itself


def test_a_direct_commit_that_adds_a_sample(lab: Lab) -> None:
    lab.committed("direct", lab.merge.id, add_samples(lab.lake))
    step = lab.only("direct")
    assert step.wrong == "it is no merge of a round: it brought 1 object"
    assert (step.kind, step.first, step.changed) == ("commit", MORE, 1)


def test_metadata_does_not_make_a_commit_a_merge(lab: Lab) -> None:
    lab.branch("posing", lab.start)
    for item in lab.lake.objects(lab.source, "tiny/"):
        if refs.round_of(item.path) == 3:
            lab.lake.write_bytes("posing", item.path, lab.lake.read(lab.source, item.path))
    lab.lake.commit("posing", lab.merge.message, lab.merge.metadata)
    assert lab.only("posing").wrong == ("it is no merge of a round: it brought round 3 of tiny")


def test_reverts_say_what_they_took_away_and_brought_back(lab: Lab) -> None:
    ref = lab.branch("reverted", lab.merge.id)
    revert(lab, ref, lab.merge.id, parent=1)
    first = lab.only(ref)
    assert first.kind == "revert"
    assert first.wrong == (
        f"it reverts {lab.merge.id[:12]} (Publish tiny-3: guard pass): it took away round 3 of tiny"
    )
    undone = lab.lake.resolve(ref).id
    revert(lab, ref, undone)
    second, again = lab.found(ref)
    assert again.commit.id == undone
    assert second.kind == "revert"
    assert re.match(rf"it reverts {undone[:12]} \(.*\): it brought round 3 of", second.wrong or "")


def test_a_cherry_pick_of_a_round(lab: Lab) -> None:
    """Real lakeFS writes where a pick comes from; the embedded lake leaves that to the client."""
    ref = lab.branch("picked", lab.start)
    picked = lakefs_sdk.CherryPickCreation(
        ref=lab.merge.id,
        parent_number=1,
        commit_overrides=lakefs_sdk.CommitOverrides(
            message="pick", metadata={**lab.merge.metadata, "cherry-pick-origin": lab.merge.id}
        ),
    )
    lab.lake.connection.call(
        lab.lake.connection.sdk.branches_api.cherry_pick, lab.lake.repository, ref, picked
    )
    step = lab.only(ref)
    assert step.kind == "cherry-pick"
    assert step.wrong is not None
    assert step.wrong.startswith(f"it was picked from {lab.merge.id[:12]}: it brought round 3")


def test_a_squash_merge(lab: Lab) -> None:
    ref = lab.branch("squashed", lab.start)
    wanted = lakefs_sdk.Merge(
        message="squash", metadata=dict(lab.merge.metadata), squash_merge=True
    )
    call, sdk = lab.lake.connection.call, lab.lake.connection.sdk
    call(sdk.refs_api.merge_into_branch, lab.lake.repository, lab.source, ref, merge=wanted)
    assert lab.only(ref).kind == "commit"


def test_a_branch_that_was_pointed_at_a_round(lab: Lab) -> None:
    """Main moved without a merge: everything that was done on the branch shows."""
    found = lab.found(lab.branch("pointed", lab.source))
    assert len(found) > 3
    assert found[0].commit.id == lab.source
    assert {step.kind for step in found} == {"commit"}


def test_every_planted_commit_is_named_in_one_history(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = lab.merged("many", lab.source, lab.merge.metadata)
    lake, planted = lab.lake, []
    add_samples(lake)(ref)
    planted.append(lake.commit(ref, "a hot fix", {}).id)
    lake.commit(ref, "nothing", {})
    revert(lab, ref, planted[0])
    planted.append(lake.resolve(ref).id)
    lake.write_bytes(ref, "other/rounds/001.json", b"{}")
    planted.append(lake.commit(ref, "another data set", {}).id)
    with pytest.raises(
        Findings, match=r"^the guard did not let through 3 commits of many$"
    ) as caught:
        history.run(ref=ref, dataset=None, as_json=False)
    assert caught.value.exit_code == 1
    shown = capsys.readouterr().out
    for commit in planted:
        assert commit[:12] in shown
    assert lab.merge.id[:12] not in shown
    assert "a hot fix" in shown
    assert "other/rounds/001.json" in shown
    with pytest.raises(Findings, match=r" 2 commits of many$"):
        history.run(ref=ref, dataset="tiny", as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert [each["commit"] for each in content["findings"]] == planted[1::-1]
    assert content["findings"][1]["changed"] == 1
    assert content["findings"][1]["first"] == MORE
