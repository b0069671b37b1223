"""Published rounds stay: what an upgrade adopts, what is outdated, what a newer release wrote."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.client import Lake
from pipelines import params
from pipelines.common.errors import BlockedError, FormatError, StaleError
from pipelines.inquiry import overview, verdicts_again
from pipelines.rounds import history, metadata, receipts, stage_inputs, stored_keys, trust
from pipelines.rounds.metadata import StageMetadata
from tests.flow import release_lake
from tests.flow.projects import STAGES, Project

HERE = Path(__file__).parent
RELEASES = sorted((HERE / "releases").glob("*.tar.xz"))
"""A small lake of each earlier release, with receipts and params: two published rounds of `tiny`,
and a third that the guard blocked."""


def unpacked(release: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The project of an earlier release; the current directory."""
    with tarfile.open(release) as archive:
        archive.extractall(root, filter="data")
    monkeypatch.chdir(root)
    yield Project(root)
    Project(root).drop_lake()


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The project of release 0.1, whose metadata has neither recipes nor versions."""
    yield from unpacked(RELEASES[0], tmp_path / "project", monkeypatch)


@pytest.fixture
def unsigned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The project of release 0.2, whose commits state nothing of what they hold."""
    yield from unpacked(RELEASES[1], tmp_path / "project", monkeypatch)


def state(lake: Lake) -> tuple[str, dict[str, str]]:
    """Main and the tags."""
    return str(lake.head("main")), lake.tags()


def test_every_release_has_a_fixture() -> None:
    assert [path.name for path in RELEASES] == ["0.1.tar.xz", "0.2.tar.xz"]


def test_a_lake_of_an_earlier_release_is_adopted_whole(
    earlier: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(earlier.lake())
    old = json.loads(receipts.path("tiny", 2, "curate").read_text(encoding="utf-8"))
    earlier.run("lake", "")
    earlier.run("inputs", "tiny")
    earlier.run("ingest", "tiny")
    earlier.round("tiny-1")
    earlier.round("tiny-2")
    said = capsys.readouterr().err
    assert said.count("made by the release before") == 2
    assert said.count("adopted") == 1 + 2 * len(STAGES)
    lake = earlier.lake()
    assert state(lake) == before
    new = receipts.read("tiny", 2, "curate")
    assert new.commit == old["commit"]
    assert new.recipe is not None
    assert new.input_key != old["input_key"]
    earlier.round("tiny-2")
    assert "made by the release before" not in capsys.readouterr().err
    for command in ("--recompute", "--history"):
        done = earlier.stemma("audit", command, "main", "--json")
        assert done.code == 0, done.said
    proved = json.loads(earlier.stemma("audit", "--recompute", "main", "--json").out)
    open_ = {each["check"]: each for each in proved["checks"] if each["not_provable"]}
    assert open_.keys() == {"columns", "suite"}
    assert open_["columns"]["checked"] == open_["suite"]["checked"] == 0
    assert list(open_["suite"]["not_provable_because"]) == [verdicts_again.NO_SUITE]


@pytest.mark.slow  # what was merged before signing began is in test_history_proofs.py
def test_a_lake_without_signatures_is_adopted_and_goes_on_with_them(
    unsigned: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = unsigned.lake()
    before = state(lake)
    for name, key in (("lake", ""), ("inputs", "tiny"), ("ingest", "tiny")):
        unsigned.run(name, key)
    unsigned.round("tiny-1")
    unsigned.round("tiny-2")
    assert state(lake) == before
    assert not trust.FOLDER.exists()
    capsys.readouterr()
    unsigned.edit(lambda found: found["rounds"]["tiny-3"].update(publish={}))
    unsigned.round("tiny-3")
    assert "does not state what it holds" in capsys.readouterr().err
    assert json.loads(trust.SINCE.read_text(encoding="utf-8")) == {"stemma": before[0]}
    done = unsigned.stemma("audit", "--history", "main", "--json")
    assert done.code == 0, done.said
    proved = json.loads(done.out)["proved"]
    assert [bool(each["signed_by"]) for each in proved] == [True, False, False, False]
    (trust.SINCE).write_text("{}", encoding="utf-8")
    done = unsigned.stemma("audit", "--history", "main", "--json")
    assert [each["wrong"] for each in json.loads(done.out)["findings"]] == [
        "the guard's answer is not signed",
        "the guard's answer is not signed",
        "the merge of real data is not signed",
    ]
    assert done.code == 1


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A lake of this release as its archive has it; the current directory."""
    archive = tmp_path / "now.tar.xz"
    project = release_lake.made(tmp_path / "made")
    release_lake.packed(project, archive)
    with pytest.raises(FileExistsError):
        release_lake.packed(project, archive)
    yield from unpacked(archive, tmp_path / "project", monkeypatch)


@pytest.mark.slow
def test_a_lake_of_this_release_is_packed_so_that_it_can_be_adopted(
    packed: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(packed.lake())
    assert set(before[1]) == {"tiny-v0", "tiny-v1", "tiny-v2"}
    for name, key in (("lake", ""), ("inputs", "tiny"), ("ingest", "tiny")):
        packed.run(name, key)
    shutil.rmtree("rounds/tiny/1")
    shutil.rmtree("rounds/tiny/2")
    packed.round("tiny-1")
    packed.round("tiny-2")
    assert capsys.readouterr().err.count("adopted") >= 2 * len(STAGES)
    with pytest.raises(BlockedError, match="the guard blocks tiny-3"):
        packed.round("tiny-3")
    assert state(packed.lake()) == before
    for command in ("--recompute", "--history"):
        done = packed.stemma("audit", command, "main", "--json")
        assert done.code == 0, done.said


def test_a_round_of_other_settings_is_made_again(earlier: Project) -> None:
    earlier.run("lake", "")
    earlier.run("ingest", "tiny")
    earlier.edit(lambda found: found["rounds"]["tiny-1"].update(curate={"max_accepted": 20}))
    made = {}
    for stage in ("fit", "generate", "verify", "curate"):
        old = json.loads(receipts.path("tiny", 1, stage).read_text(encoding="utf-8"))
        earlier.run(stage, "tiny-1")
        made[stage] = receipts.read("tiny", 1, stage).commit != old["commit"]
    assert made == {"fit": False, "generate": False, "verify": False, "curate": True}


@pytest.mark.slow
def test_a_round_of_an_earlier_release_is_made_again_on_request(
    earlier: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier.run("lake", "")
    earlier.run("ingest", "tiny")
    earlier.edit(lambda found: found["rounds"]["tiny-1"].update(revision=1))
    capsys.readouterr()
    earlier.run("fit", "tiny-1")
    assert "adopted" not in capsys.readouterr().err
    earlier.edit(lambda found: found["rounds"]["tiny-1"].update(revision=0))
    earlier.run("fit", "tiny-1")
    assert "adopted" in capsys.readouterr().err


def test_a_source_with_other_rows_is_not_adopted(earlier: Project) -> None:
    import polars as pl  # noqa: PLC0415  beside its only use

    earlier.run("lake", "")
    rows = pl.read_parquet("tiny.parquet")
    rows.head(150).write_parquet("tiny.parquet")
    before = earlier.lake().head("main")
    with pytest.raises(StaleError, match="an earlier release did not write down which"):
        earlier.run("ingest", "tiny")
    assert earlier.lake().head("main") == before
    earlier.run("ingest", "tiny", supersede=True)
    assert earlier.lake().head("main") != before


def test_a_round_that_other_versions_made_is_outdated_and_stays(
    copied: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(copied.lake())
    raised = {**stage_inputs.VERSIONS, "curate": "curate/3"}
    monkeypatch.setattr(stage_inputs, "VERSIONS", raised)
    copied.run("inputs", "tiny")
    copied.round("tiny-2")
    assert "outdated: made by curate/2, now curate/3" in capsys.readouterr().err
    assert state(copied.lake()) == before
    rounds = overview.collect(copied.lake(), "tiny", params.load())["rounds"]
    assert [entry["outdated"] for entry in rounds] == [
        {},
        {"curate": ["curate/2", "curate/3"]},
        {"curate": ["curate/2", "curate/3"]},
    ]
    done = copied.stemma("round", "redo", "tiny-2", "--json")
    assert done.code == 0, done.said
    assert params.load().rounds["tiny-2"].revision == 1
    copied.round("tiny-2")
    assert copied.lake().head("main") != before[0]
    assert "tiny-v2.1" in copied.lake().tags()
    made = overview.collect(copied.lake(), "tiny", params.load())["rounds"][2]
    assert made["outdated"] == {}
    done = copied.stemma("audit", "--history", "main")
    assert done.code == 0, done.said


@pytest.mark.slow
def test_an_unfinished_stage_of_other_versions_runs_again(
    blocked: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = receipts.read("tiny", 3, "curate").commit
    blocked.run("curate", "tiny-3")
    assert receipts.read("tiny", 3, "curate").commit == before
    raised = {**stage_inputs.VERSIONS, "curate": "curate/3"}
    monkeypatch.setattr(stage_inputs, "VERSIONS", raised)
    blocked.run("curate", "tiny-3")
    assert receipts.read("tiny", 3, "curate").commit != before


def test_settings_that_change_nothing_change_no_key(copied: Project) -> None:
    before = state(copied.lake())

    def spell_out(content: dict[str, object]) -> None:
        section = content["datasets"]["tiny"]  # type: ignore[index]
        section["verify"] = {"scorers": {"agreement": {}, "distance": {}}}
        section["curate"] = {"max_accepted": None}
        section["generate"]["text"] = {"service": {"concurrency": 3}}

    copied.edit(spell_out)
    for number in (1, 2):
        copied.round(f"tiny-{number}")
    assert state(copied.lake()) == before


def test_a_newer_release_is_refused_in_a_sentence(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = copied.lake()
    monkeypatch.setattr(metadata, "FORMAT", metadata.FORMAT + 1)
    about = StageMetadata("calibrate", "tiny", 2, format=metadata.FORMAT).to_metadata()
    lake.set_branch("newer", "main")
    lake.write_bytes("newer", "tiny/calibration/0/x.json", b"{}", "application/json")
    commit = lake.commit("newer", "by a newer release", about)
    lake.merge(commit.id, "main", "by a newer release", about)
    monkeypatch.undo()
    monkeypatch.chdir(copied.root)
    with pytest.raises(FormatError, match=r"newer release \(format 4; this release reads .* 3\)"):
        history.published(lake, "tiny")
    done = copied.stemma("status")
    assert done.code == 4
    assert "upgrade stemma" in done.err
    assert "Traceback" not in done.err


def test_damaged_notes_are_one_sentence(earlier: Project) -> None:
    earlier.run("ingest", "tiny")
    lake = earlier.lake()
    lake.write_bytes(stored_keys.BRANCH, stored_keys.path("tiny", 1), b"[1", "application/json")
    lake.commit(stored_keys.BRANCH, "damage", {})
    shutil.rmtree("rounds/tiny/1")
    done = earlier.stemma("stage", "fit", "tiny-1")
    assert done.code == 4
    assert "tiny/keys/001.json on stemma-keys is damaged; remove it" in done.err
