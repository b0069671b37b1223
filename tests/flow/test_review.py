"""What people see of a lake: status, diff, audit, new rounds, a lake served by hand."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import polars as pl
import pytest

from lake import refs
from lake.errors import NotFoundError
from lake.home import LakeHome
from lake.polling import until
from pipelines import params
from pipelines.common.errors import BlockedError
from pipelines.inquiry import overview
from pipelines.rounds import receipts, tables
from review.commands import audit, status
from review.commands import rounds as adding
from tests.flow.projects import Project, tiny_round


def test_status_tells_published_rounds_from_a_blocked_one(
    blocked: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    found = overview.collect(blocked.lake(), "tiny")
    assert [each["state"] for each in found["rounds"]] == ["published"] * 3
    (open_,) = found["open"]
    assert (open_["round"], open_["state"], open_["branch"]) == (3, "blocked", "tiny-r003")
    assert open_["guard"]["blocking"] == ["real_share"]
    capsys.readouterr()
    status.run(dataset=None, next_steps=True, as_json=False)
    shown = capsys.readouterr().out
    assert "tiny-v2" in shown
    assert "blocked" in shown
    assert "stemma diff tiny-v1 tiny-v2" in shown
    status.run(dataset="tiny", next_steps=False, as_json=True)
    assert json.loads(capsys.readouterr().out)["datasets"]["tiny"]["open"][0]["round"] == 3


@pytest.mark.slow
def test_status_knows_superseded_and_refused_rounds(copied: Project) -> None:
    copied.edit(lambda found: found["rounds"]["tiny-1"].update(generate={"candidates": 20}))
    copied.round("tiny-1", "generate", "verify", "curate", "evaluate", "publish")
    (old,) = overview.collect(copied.lake(), "tiny")["open"]
    assert (old["branch"], old["state"], old["tag"]) == ("tiny-r002", "superseded", None)
    place = Path("expectations/suites/tiny.json")
    suite = json.loads(place.read_text(encoding="utf-8"))
    whole = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1000}}
    suite["expectations"].append(whole | {"meta": {"name": "enough"}})
    place.write_text(json.dumps(suite), encoding="utf-8")
    copied.round("tiny-2", "fit", "generate", "verify")
    with pytest.raises(BlockedError, match=r"the suite stops tiny-2 as a whole: enough failed"):
        copied.run("curate", "tiny-2")
    (refused,) = overview.collect(copied.lake(), "tiny")["open"]
    assert (refused["branch"], refused["state"]) == ("tiny-r002", "blocked")


def test_an_audit_tells_the_origin_of_any_candidate(
    unchanged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = unchanged.lake()
    lineage = tables.read(lake, "main", "tiny", "lineage").collect()
    capsys.readouterr()
    for at in (0, 2):
        row = lineage.filter(pl.col("round") == at).row(3, named=True)
        audit.run(sample=row["sample_id"].hex()[:9], ref="main", dataset=None, as_json=True)
        (about,) = json.loads(capsys.readouterr().out)["occurrences"]
        assert (about["round"], about["row"]) == (at, row["row"])
        assert about["sample_id"] == row["sample_id"].hex()
        assert about["tag"] == f"tiny-v{at}"
        assert about["commit"] == lake.resolve(f"tiny-v{at}").id
        assert about["real_inputs"] == pytest.approx(row["real_inputs"])
        if at == 0:
            assert about["kind"] == "real"
            assert about["source"] == "tests/tiny"
            assert about["licence"] == "CC0-1.0"
            assert about["mix"] is None
        else:
            assert about["mix"]["digest"] == about["trained_on"]
            assert [each["round"] for each in about["mix"]["rounds"]] == [0, 1]
            assert about["generator_manifest"]["digest"] == about["generator"]
            assert len(about["verdicts"]) == 5
            assert about["decision"]["decision"] in ("accepted", "rejected", "duplicate")
    audit.run(sample=row["sample_id"].hex(), ref="main", dataset=None, as_json=False)
    shown = capsys.readouterr().out
    assert "real inputs" in shown
    assert "label_agrees" in shown
    audit.run(sample=row["sample_id"].hex(), ref="tiny-v2", dataset="tiny", as_json=True)
    assert len(json.loads(capsys.readouterr().out)["occurrences"]) == 1


def test_an_audit_says_where_else_a_sample_is(still: Project) -> None:
    lake = still.lake()
    on_branch = tables.read_round(lake, "tiny-r003", "tiny", "lineage", 3)["sample_id"][0].hex()
    with pytest.raises(NotFoundError, match="it is on tiny-r003: add --ref tiny-r003"):
        audit.run(sample=on_branch, ref="main", dataset=None, as_json=False)
    audit.run(sample=on_branch, ref="tiny-r003", dataset="tiny", as_json=False)


def test_an_added_round_keeps_the_comments_of_the_file(copied: Project) -> None:
    place = copied.root / "params.yaml"
    place.write_text("# a comment that stays\n" + place.read_text(encoding="utf-8"))
    assert adding.add(place, "tiny") == "tiny-3"
    assert adding.add(place, "tiny") == "tiny-4"
    assert place.read_text(encoding="utf-8").startswith("# a comment that stays\n")
    found = params.load(place)
    assert (found.rounds["tiny-4"].previous, found.rounds["tiny-4"].round) == (3, 4)


@pytest.mark.slow
def test_a_lake_served_by_hand_is_used_through_lakefs_variables(
    copied: Project, tmp_path: Path
) -> None:
    """Another machine's point of view: only endpoint and keys are known, bytes go over HTTP."""
    copied.stop_lake()
    copied.lake()  # one that was started on demand makes room
    on_demand = LakeHome(copied.root / ".lake").endpoint()
    assert on_demand is not None
    log = (tmp_path / "served").open("w+")
    served = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "review.cli.app",
            "lake",
            "serve",
            "--port",
            "0",
            "--json",
            "--sample-repo",
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        home = copied.root / ".lake"
        printed = tmp_path / "served"
        assert until(
            lambda: printed.read_text(encoding="utf-8").endswith("}\n"), interval=0.05, timeout=20
        ), printed.read_text(encoding="utf-8")
        endpoint = LakeHome(home).endpoint()
        assert endpoint is not None
        assert endpoint.pid != on_demand.pid
        url = endpoint.url
        keys = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
        facts = json.loads(printed.read_text(encoding="utf-8"))
        assert facts["endpoint"] == url
        assert facts["access_key_id"] == keys["access_key_id"]
        assert httpx.get(f"{url}/api/v1/healthcheck").status_code == 204
        pair = (keys["access_key_id"], keys["secret_access_key"])
        assert httpx.get(f"{url}/api/v1/repositories/quickstart", auth=pair).status_code == 200
        env = {
            "LAKECTL_SERVER_ENDPOINT_URL": url,
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": keys["access_key_id"],
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        }
        shown = copied.stemma("status", "--json", env=env)
        assert len(json.loads(shown.out)["datasets"]["tiny"]["rounds"]) == 3, shown.said
        receipts.path("tiny", 2, "curate").unlink()
        again = copied.stemma("stage", "curate", "tiny-2", env=env)
        assert again.code == 0, again.said
        assert "adopted" in again.err
        assert receipts.read("tiny", 2, "curate").commit
    finally:
        served.send_signal(signal.SIGTERM)
        assert served.wait(15) == 0
        log.close()


@pytest.mark.slow
def test_rounds_run_against_a_lake_that_is_only_known_by_its_address(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.lake()
    home = copied.root / ".lake"
    keys = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    url = json.loads((home / "endpoint.json").read_text(encoding="utf-8"))["url"]
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", url)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", keys["access_key_id"])
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", keys["secret_access_key"])
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.run("lake", "")
    copied.round("tiny-3")
    lake = copied.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2, 3]
    assert refs.branch_name("tiny", 3) in lake.branches()
    assert os.environ["LAKECTL_SERVER_ENDPOINT_URL"] == url


@pytest.mark.slow
def test_a_copied_project_uses_its_own_lake(copied: Project, tmp_path: Path) -> None:
    head = copied.lake().head("main")
    shutil.copytree(copied.root, tmp_path / "copy")
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.round("tiny-3")
    assert copied.lake().head("main") != head
    other = Project(tmp_path / "copy")
    os.chdir(other.root)
    try:
        assert other.lake().head("main") == head
    finally:
        other.stop_lake()


def test_a_lake_is_served_where_there_is_one(tmp_path: Path) -> None:
    done = Project(tmp_path).stemma("lake", "serve")
    assert done.code == 2
    assert "there is no params.yaml here; name a lake with --home" in done.err
    assert list(tmp_path.iterdir()) == []
    done = Project(tmp_path).stemma("lake", "serve", "--port", "80000")
    assert done.code == 2
    assert "Traceback" not in done.err
