"""Commands that look ahead, on real rounds in a real lake."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from pipelines.common.signing import KEY
from pipelines.inquiry.final_test import record
from pipelines.rounds.staging_branch import staging_branch
from tests.flow.projects import Project


@pytest.mark.slow
def test_the_rounds_to_come_are_forecast_and_drawn(unchanged: Project, tmp_path: Path) -> None:
    told = unchanged.stemma("forecast", "tiny", "--rounds", "2", "--pictures", str(tmp_path))
    assert told.code == 0, told.said
    assert "real share of the mix" in told.out
    drawing = (tmp_path / "real_share.svg").read_text()
    assert "accumulate" in drawing
    as_json = unchanged.stemma("forecast", "tiny", "--rounds", "2", "--json")
    found = json.loads(as_json.out)
    points = found["points"]["accumulate"]
    assert [each["round"] for each in points["real_share"]] == [3, 4]
    assert all(each["low"] <= each["value"] <= each["high"] for each in points["variance"])
    assert found["held_against"] == []
    told = unchanged.stemma("forecast", "tiny", "--after", "1")
    assert "held against later rounds" in told.out, told.said
    late = unchanged.stemma("forecast", "tiny", "--after", "2")
    assert late.code == 4
    assert "no round of tiny was published after round 2" in late.said
    unknown = unchanged.stemma("forecast", "tyni")
    assert unknown.code != 0
    assert "no data set" in unknown.said


def test_a_version_is_tested_once_and_every_opening_is_recorded(copied: Project) -> None:
    none = copied.stemma("test", "tiny-v2", "--opened")
    assert "nobody has opened" in none.out, none.said
    told = copied.stemma("test", "tiny-v2", "--json")
    assert told.code == 0, told.said
    first = json.loads(told.out)
    assert (first["is_new"], first["times_opened"], first["much_read"]) == (True, 1, False)
    assert first["rows"] + first["in_training"] == first["rows"] > 0
    mix = first["figures"]["mix"]
    assert 0 <= mix["low"] <= mix["value"] <= mix["high"] <= 1
    again = json.loads(copied.stemma("test", "tiny-v2", "--json").out)
    assert (again["is_new"], again["times_opened"]) == (False, 1)
    assert again["figures"] == first["figures"]
    for ref in ("tiny-v1", "tiny-v0"):
        assert copied.stemma("test", ref).code == 0
    worn = copied.stemma("test", "tiny-v0")
    assert "read 3 times is no test any more" in worn.out
    listed = json.loads(copied.stemma("test", "tiny-v2", "--opened", "--json").out)
    assert [each["ref"] for each in listed["openings"]] == ["tiny-v2", "tiny-v1", "tiny-v0"]


def test_openings_at_once_all_count_and_forged_ones_do_not(copied: Project) -> None:
    assert copied.stemma("test", "tiny-v2").code == 0
    lake = copied.lake()
    (kept,) = record.of_lake(lake).kept
    others = [kept.record.model_copy(update={"nonce": record.nonce()}) for _ in range(4)]
    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(lambda each: record.keep(lake, each), others))
    assert len(record.of_lake(lake).kept) == 5
    forged = others[0].model_copy(update={"nonce": "0" * 16})
    data, path = record.encoded(forged), record.place(forged)
    entries = {record.BRANCH.record: sha256(data).hexdigest(), record.BRANCH.path: path}
    with staging_branch(lake, "forged", record.BRANCH.name) as branch:
        lake.write_bytes(branch, path, data, "application/json")
        commit = lake.commit(branch, "Forge", entries)
        lake.merge(commit.id, record.BRANCH.name, "Forge", entries)
    found = record.of_lake(lake)
    assert len(found.kept) == 5
    assert found.refused == (f"{path} on stemma-tests is not signed",)


def test_without_a_key_the_test_split_stays_closed(
    copied: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, str(tmp_path / "unwritable" / "none.pem"))
    (tmp_path / "unwritable").write_text("a file where a folder would be")
    refused = copied.stemma("test", "tiny-v2")
    assert refused.code != 0
    assert "accuracy" not in refused.out
    assert record.of_lake(copied.lake()).kept == ()


@pytest.mark.slow
def test_rows_are_worth_what_the_task_gains_and_results_are_kept(
    copied: Project, tmp_path: Path
) -> None:
    drawing = tmp_path / "worth.svg"
    asked = ("scaling", "tiny", "--sizes", "4", "--repeats", "2")
    told = copied.stemma(*asked, "--picture", str(drawing))
    assert told.code == 0, told.said
    assert "what synthetic rows are worth" in told.out
    assert drawing.read_text().startswith("<svg")
    (kept,) = (copied.root / ".stemma" / "scaling").iterdir()
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join(lines[:-1]) + '\n{"kind": "bo')
    again = json.loads(copied.stemma(*asked, "--json").out)
    assert kept.read_text().splitlines()[-1] == lines[-1]
    assert len(kept.read_text().splitlines()) == len(lines) + 1
    assert set(again["losses"]) == {"real", "synthetic", "both"}
    assert all(0 <= loss <= 1 for each in again["losses"]["real"].values() for loss in each)


def test_advice_is_given_with_its_evidence(unchanged: Project) -> None:
    told = unchanged.stemma("advise", "tiny")
    assert told.code == 0, told.said
    assert "collection is hard: no round of real data came after round 0" in told.out
    found = json.loads(unchanged.stemma("advise", "tiny", "--collection", "easy", "--json").out)
    assert found["collection"] == {"ease": "easy", "why": "as you say", "given": True}
    assert set(found["advice"]) == {"generator", "verifiers", "regime", "audit", "cost"}
    wrong = unchanged.stemma("advise", "tiny", "--verification", "simple")
    assert wrong.code != 0
    assert "say easy or hard" in wrong.said
