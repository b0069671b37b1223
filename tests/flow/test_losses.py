"""What became of every row of a round is told, and the numbers add up."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pipelines.gate import publication
from pipelines.gate.reviews import Approval
from pipelines.rounds import context, receipts
from tests.flow.projects import HERE, Project, tiny_round

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


def test_rows_without_a_candidate_and_refused_ones_are_named(copied: Project) -> None:
    gappy(copied, 2, revision=1)
    (past,) = losses(copied, "tiny-v2")
    assert endings(past) == [("superseded", None, f"by {str(copied.lake().head('main'))[:12]}", 24)]
    old, new = losses(copied, "tiny")[2:]
    assert (old["state"], old["outcomes"]) == ("superseded", {"superseded": 24})
    assert new["planned"] == PLANNED
    main = copied.lake().head("main")
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
    told = copied.stemma("losses", "tiny-v2.1", "-o", "told.json")
    assert told.code == 0, told.said
    assert json.loads(Path("told.json").read_text(encoding="utf-8"))["rounds"] == [new]
    assert "generate: too dark" in told.out


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
