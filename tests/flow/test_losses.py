"""What became of every row of a round is told, and the numbers add up."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.gate import publication
from pipelines.gate.reviews import Approval
from pipelines.inquiry import quarantine
from pipelines.rounds import context, receipts, tables
from pipelines.takedown import gone
from tests.flow.projects import HERE, Project, copy, tiny_round

PLANNED = 12


def losses(project: Project, ref: str) -> list[dict[str, Any]]:
    """What `stemma losses REF --json` says of each round."""
    told = project.stemma("losses", ref, "--json")
    assert told.code == 0, told.said
    rounds: list[dict[str, Any]] = json.loads(told.out)["rounds"]
    assert all(each["adds_up"] for each in rounds)
    return rounds


def endings(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Outcome, stage, reason and rows of each ending."""
    names = ("outcome", "stage", "reason", "rows")
    return [tuple(each[name] for name in names) for each in found["endings"]]


def gappy(project: Project, number: int, **entry: object) -> None:
    """Run a round by the generator that leaves rows out."""
    for name in ("noisy.py", "gappy.py"):
        shutil.copy2(HERE / name, project.root / name)
    own = tiny_round(number) | {"generator": "./gappy.py", **entry}
    own["generate"] = {"candidates": PLANNED, "shard_rows": PLANNED}
    project.edit(lambda content: content["rounds"].update({f"tiny-{number}": own}))
    project.round(f"tiny-{number}")


def test_published_rounds_and_those_before_them_are_accounted_for(unchanged: Project) -> None:
    (found,) = losses(unchanged, "tiny-v2")
    assert (found["state"], found["planned"], found["candidates"]) == ("published", 24, 24)
    assert sum(found["outcomes"].values()) == 24
    (carried,) = found["before"]["endings"]
    assert (carried["outcome"], carried["rows"]) == ("accepted", found["before"]["rows"])
    assert losses(unchanged, "tiny-r002")[0]["outcomes"] == found["outcomes"]
    by_round = losses(unchanged, "tiny")
    assert [each["round"] for each in by_round] == [0, 1, 2]
    assert by_round[0]["outcomes"] == {"accepted": 89, "held out": 71}
    assert losses(unchanged, "tiny-v0") == by_round[:1]
    told = unchanged.stemma("losses", "tiny")
    assert "│     0 │ published │     160 │       89 │       71 │" in told.out


@pytest.fixture(scope="module")
def redone(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Round 2 was made again by a generator that leaves rows out; the current directory."""
    project = copy(published, tmp_path_factory.mktemp("redone") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        gappy(project, 2, revision=1)
        yield project
    project.drop_lake()


def test_rows_without_a_candidate_and_refused_ones_are_named(redone: Project) -> None:
    (past,) = losses(redone, "tiny-v2")
    assert endings(past) == [("superseded", None, f"by {str(redone.lake().head('main'))[:12]}", 24)]
    old, new = losses(redone, "tiny")[2:]
    assert (old["state"], old["outcomes"]) == ("superseded", {"superseded": 24})
    assert new["planned"] == PLANNED
    main = redone.lake().head("main")
    ended = endings(new)
    assert ("accepted", None, None, 7) in ended
    assert ("rejected", "curate", "duplicate", 1) in ended
    assert ("rejected", "curate", "label_agrees", 1) in ended
    assert ("failed", "generate", "too dark", 2) in ended
    assert ("failed", "generate", "the generator gave no row and no reason", 1) in ended
    assert len(ended) == 5
    before = {each["outcome"]: each for each in new["before"]["endings"]}
    assert before["superseded"]["rows"] == 24
    assert before["superseded"]["reason"] == f"round 2, by {str(main)[:12]}"
    assert before["accepted"]["rows"] == new["before"]["rows"] - 24
    told = redone.stemma("losses", "tiny-v2.1", "-o", "told.json")
    assert told.code == 0, told.said
    assert json.loads(Path("told.json").read_text(encoding="utf-8"))["rounds"] == [new]
    assert "generate: too dark" in told.out


@pytest.mark.slow
def test_a_blocked_round_ends_at_the_guard_and_an_overridden_one_says_who(
    blocked: Project,
) -> None:
    (found,) = losses(blocked, "tiny-r003")
    assert found["state"] == "blocked"
    assert endings(found) == [("failed", "publish", "the guard blocks it: real_share", 24)]
    assert found["before"] is None
    evaluated = receipts.read("tiny", 3, "evaluate").commit
    lake = blocked.lake()
    lake.set_branch("tiny-r003", evaluated)
    (waiting,) = losses(blocked, "tiny-r003")
    assert endings(waiting) == [("undecided", "publish", "the stage publish has not run", 24)]
    publication.approve(context.open_context("tiny-3"), Approval(evaluated, "few real rows exist"))
    (done,) = losses(blocked, "tiny-v3")
    assert endings(done) == [("overridden", "publish", "real_share", 24)]
    assert "published against real_share by " in done["about"]
    assert done["about"].endswith(" UTC: few real rows exist")
    assert done["about"] in blocked.stemma("losses", "tiny").out


@pytest.mark.slow
def test_what_an_earlier_release_did_not_record_is_not_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(HERE / "releases" / "0.1.tar.xz") as archive:
        archive.extractall(tmp_path / "project", filter="data")
    monkeypatch.chdir(tmp_path / "project")
    project = Project(tmp_path / "project")
    try:
        real, first, *_ = losses(project, "tiny")
        assert (real["planned"], first["planned"]) == (160, None)
        assert first["outcomes"] == {"accepted": 24}
        told = project.stemma("losses", "tiny-v1")
        assert "planned: not recorded; accounted for: 24" in told.out
    finally:
        project.drop_lake()


def test_refused_rows_are_written_with_verdicts_lineage_and_payload(redone: Project) -> None:
    told = redone.stemma("quarantine", "tiny-v2.1", "-o", "refused.parquet")
    assert told.code == 0, told.said
    assert told.out.strip() == "wrote refused.parquet: 2 refused rows of tiny-2"
    rows = pl.read_parquet("refused.parquet")
    assert rows.columns[:5] == ["round", "row", "sample_id", "image", "label"]
    assert rows["row"].to_list() == [1, 2]
    twin, wrong = rows["quarantine"].to_list()
    assert (twin["decision"], twin["reasons"]) == ("duplicate", ["duplicate"])
    assert twin["duplicate_of"] == {"dataset": "tiny", "round": 2, "row": 0}
    assert wrong["reasons"] == ["label_agrees"]
    (verdict,) = wrong["verdicts"]
    assert (verdict["expectation"], verdict["severity"]) == ("label_agrees", "critical")
    assert (verdict["verdict"], verdict["value"]) == ("failed", rows["label"][1])
    assert verdict["detail"].startswith("label ")
    assert verdict["threshold"] == "{}"
    traced = rows["lineage"].to_list()
    assert {each["kind"] for each in traced} == {"synthetic"}
    assert traced[0]["parents"][0]["relation"] == "seed"
    assert [each["bytes"][:4] for each in rows["image"]] == [b"\x89PNG"] * 2


@pytest.mark.slow
def test_refused_rows_are_written_by_reason_and_replace_nothing_unasked(redone: Project) -> None:
    command = ("quarantine", "tiny-v2.1", "--reason", "label_agrees", "-o", "one.parquet")
    told = redone.stemma(*command, "--json")
    assert json.loads(told.out)["rows"] == 1
    assert json.loads(told.out)["reasons"] == {"label_agrees": 1}
    one = pl.read_parquet("one.parquet")
    assert one["row"].to_list() == [2]
    again = redone.stemma(*command)
    assert again.code == 4
    assert "one.parquet is there already" in again.err
    none = redone.stemma("quarantine", "tiny-v1", "-o", "one.parquet", "--force")
    assert none.code == 0, none.said
    assert len(pl.read_parquet("one.parquet")) == 0
    assert pl.read_parquet("one.parquet").columns == one.columns
    unknown = redone.stemma("quarantine", "tiny-v1", "-o", "x.parquet", "--reason", "label_agree")
    assert unknown.code == 2
    assert "did you mean 'label_agrees'?" in unknown.err
    assert not Path("x.parquet").exists()


@pytest.mark.slow
def test_rows_of_a_round_without_decisions_are_refused_by_its_verdicts(redone: Project) -> None:
    lake = redone.lake()
    verified = receipts.read("tiny", 2, "verify").commit
    whole = quarantine.find(lake, receipts.read("tiny", 2, "curate").commit, "tiny", 2)
    found = quarantine.find(lake, verified, "tiny", 2)
    refused = whole.rows.filter(pl.col("decision") == "rejected")
    assert found.rows.to_dicts() == refused.to_dicts()


def test_an_expectation_is_told_over_rounds(redone: Project) -> None:
    told = redone.stemma("verdicts", "--expectation", "label_agrees", "--json")
    assert told.code == 0, told.said
    first, second = json.loads(told.out)["datasets"]["tiny"]
    assert (first["round"], first["judged"], first["passed"]) == (1, 24, 24)
    assert (second["judged"], second["passed"], second["failed"]) == (9, 8, 1)
    assert (second["severity"], second["warned"]) == ("critical", 0)
    assert second["pass_share"] == pytest.approx(8 / 9)
    assert second["threshold"] == {}
    assert not second["suite_changed"]
    unknown = redone.stemma("verdicts", "--expectation", "label_agree")
    assert unknown.code == 2
    assert "did you mean 'label_agrees'?" in unknown.err
    assert redone.stemma("verdicts").code == 2


@pytest.mark.slow
def test_rows_that_were_taken_down_are_told_by_the_take_down(redone: Project) -> None:
    lake = redone.lake()
    refused = pl.concat(quarantine.find(lake, "tiny-v2.1", "tiny", 2).blocks())
    held = [tables.read_round(lake, "main", "tiny", "samples", number) for number in (0, 2)]
    ids = [each.hex() for each in (*held[0]["sample_id"].head(3), *held[1]["sample_id"].head(1))]
    done = redone.stemma("takedown", *ids, "--reason", "they asked", "--json")
    assert done.code == 0, done.said
    rows = gone.at(lake).taken
    of_main = [each for each in losses(redone, "tiny") if each["state"] == "published"]
    taken = {each["round"]: each["outcomes"].get("taken down", 0) for each in of_main}
    assert taken == {number: len(rows.filter(pl.col("round") == number)) for number in (0, 1, 2)}
    assert taken[0] == 3
    assert taken[2] >= 1
    (name,) = rows["takedown"].unique()
    assert ("taken down", None, f"by the take-down {name}", 3) in endings(of_main[0])
    told = redone.stemma("losses", "main")
    assert told.code == 0, told.said
    wrong = [each.hex() for each in refused["sample_id"]]
    assert redone.stemma("takedown", *wrong, "--reason", "they asked").code == 0
    told = redone.stemma("quarantine", "tiny-v2.1", "-o", "left.parquet", "--json")
    about = json.loads(told.out)
    assert (about["rows"], about["taken_down"]) == (0, len(refused))
    assert pl.read_parquet("left.parquet").is_empty()
