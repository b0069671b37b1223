"""`stemma clean`: what something refers to stays, and the rest goes, on a yes alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lake import files
from pipelines.llm import ask
from pipelines.llm.cache import Cache
from pipelines.llm.values import Reply
from pipelines.rounds import receipts
from pipelines.rounds.receipts import Receipt
from pipelines.sources.remote import fetch
from review.cli import at_work
from review.commands import clean
from review.disk import named, removal, usage
from review.errors import AtWorkError, ReviewError, UsageError
from tests.lake.in_process import InProcessLake
from tests.lake.servers import start

PARAMS = "datasets: {tiny: {identity: [image], ingest: {source: digits}}}\nrounds: {%s}\n"
OPTIONS: dict[str, Any] = {
    "answers": False,
    "caches": False,
    "keep": "7d",
    "yes": True,
    "dry_run": False,
    "as_json": True,
}
OLD = 1_000_000_000


def rounds(*numbers: int) -> str:
    before = [0, *numbers]
    entries = [
        f"tiny-{number}: {{dataset: tiny, round: {number}, previous: {previous}}}"
        for number, previous in zip(numbers, before, strict=False)
    ]
    return PARAMS % ", ".join(entries)


def git(*arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def write(path: str, content: str = "x", *, old: bool = False) -> Path:
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content, encoding="utf-8")
    if old:
        os.utime(place, (OLD, OLD))
    return place


def commit(branch: str, **contents: str) -> None:
    """Commit files on a branch of their own, and go back."""
    git("checkout", "-q", "-b", branch)
    for name, content in contents.items():
        write(name.replace("__", "/").replace("_dot_", "."), content)
    git("add", "-A")
    git("commit", "-qm", branch)
    git("checkout", "-q", "main")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("LAKECTL_", "STEMMA_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LAKECTL_CONFIG_FILE", os.devnull)
    write("params.yaml", rounds(1))
    write(".gitignore", "/models/\n/reports/\n/.stemma/\n/.lake/\n")
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    return tmp_path


@pytest.fixture
def cleaned(project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    assert project

    def call(**options: Any) -> dict[str, Any]:
        clean.run(**{**OPTIONS, **options})
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        return said

    return call


def names(said: dict[str, Any], part: str) -> list[str]:
    return [name for each in said["parts"] if each["part"] == part for name in each["names"]]


def test_rounds_that_nothing_names_go_and_all_others_stay(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    for number in range(1, 10):
        write(f"models/tiny/{number}/model.bin")
        write(f"reports/tiny/{number}/grid.png")
    write("rounds/tiny/2/fit.json", "{}")
    write("dvc.lock", "- path: models/tiny/3\n")
    commit("other", params_dot_yaml=rounds(4))
    commit("receipts", rounds__tiny__5__generate_dot_json="{}")
    commit("locked", dvc_dot_lock="outs:\n- path: models/tiny/6\n")
    git("tag", "v1", "locked")
    git("branch", "-qD", "locked")
    for number in (7, 8):  # experiments that wait: only the reflog names the one before the last
        write("params.yaml", rounds(1, number))
        git("stash", "-q")
    for name in ("models/own/notes/a", "models/tiny/007/a", "models/tiny/new/a", "models/a"):
        write(name)
    Path("models/link").symlink_to("tiny")
    said = cleaned()
    assert names(said, "models") == ["models/tiny/9"]
    assert names(said, "pages") == ["reports/tiny/9"]
    kept = {path.name for path in Path("models/tiny").iterdir()}
    assert kept == {*"12345678", "007", "new"}
    assert Path("models/own/notes/a").is_file()
    assert cleaned()["parts"] == []


def test_a_damaged_repository_removes_nothing(cleaned: Callable[..., dict[str, Any]]) -> None:
    write("models/tiny/9/model.bin")
    write(".git/refs/heads/broken", f"{'1' * 40}\n")
    with pytest.raises(Exception, match="git cannot say what its branches name"):
        cleaned()
    assert Path("models/tiny/9/model.bin").is_file()


@pytest.mark.parametrize("head", ["no ref", None])
def test_a_repository_that_git_does_not_read_removes_nothing(
    cleaned: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, head: str | None
) -> None:
    commit("other", params_dot_yaml=rounds(9))
    write("models/tiny/9/model.bin")
    if head is None:
        monkeypatch.setattr(shutil, "which", lambda _: None)
    else:
        write(".git/HEAD", head)
    with pytest.raises(ReviewError, match=r"^git (is not installed|cannot say).* is removed"):
        cleaned()
    assert Path("models/tiny/9/model.bin").is_file()


def test_a_variable_that_names_another_repository_removes_nothing(
    cleaned: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit("other", params_dot_yaml=rounds(9))
    write("models/tiny/9/model.bin")
    git("init", "-q", "--bare", str(tmp_path / "empty.git"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "empty.git"))
    with pytest.raises(ReviewError, match=r"^GIT_DIR is set.* nothing is removed"):
        cleaned()
    assert Path("models/tiny/9/model.bin").is_file()


@pytest.mark.parametrize("name", ["other:params.yaml", "other"])
def test_a_repository_that_lacks_an_object_removes_nothing(
    cleaned: Callable[..., dict[str, Any]], name: str
) -> None:
    commit("other", params_dot_yaml=rounds(9))
    write("models/tiny/9/model.bin")
    found = subprocess.run(["git", "rev-parse", name], check=True, capture_output=True, text=True)
    if name == "other":  # nothing but HEAD leads there
        git("checkout", "-q", "--detach", "other")
        git("branch", "-qD", "other")
        write("params.yaml", rounds(1))
    Path(f".git/objects/{found.stdout[:2]}/{found.stdout[2:].strip()}").unlink()
    with pytest.raises(ReviewError, match="git cannot say what its branches name"):
        cleaned()
    assert Path("models/tiny/9/model.bin").is_file()


def test_a_tag_of_a_tag_and_untracked_files_in_a_stash_name_rounds(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    for number in (7, 8, 9):
        write(f"models/tiny/{number}/model.bin")
    commit("other", params_dot_yaml=rounds(7))
    git("tag", "-a", "-m", "one", "one", "other")
    git("tag", "-a", "-m", "two", "two", "one")
    git("tag", "-d", "one")
    git("branch", "-qD", "other")
    write("rounds/tiny/8/fit.json", "{}")
    git("stash", "-qu")
    assert names(cleaned(), "models") == ["models/tiny/9"]


def test_models_behind_a_link_stay_and_that_is_said(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    write("elsewhere/tiny/9/model.bin")
    Path("models").symlink_to("elsewhere")
    said = cleaned()
    assert (said["parts"], "models is a symbolic link" in said["notes"][0]) == ([], True)
    assert Path("elsewhere/tiny/9/model.bin").is_file()


def test_fetched_data_of_sources_as_they_were_before_goes(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    source, now, before = "https://data.example/a.csv", "1" * 64, "2" * 64
    for sha in (now, before):
        write(str(fetch.object_path(sha)))
        tree = fetch.tree_path(source, {"a.csv": sha})
        tree.mkdir(parents=True)
        os.link(fetch.object_path(sha), tree / "a.csv")
    state = {"source": source, "files": {"a.csv": {"version": "v", "sha256": now}}}
    write(str(fetch.ROOT / f"{'a' * 32}.json"), json.dumps(state))
    gone = [fetch.object_path(before), fetch.tree_path(source, {"a.csv": before})]
    size = fetch.object_path(before).stat().st_blocks * usage.BLOCK
    said = cleaned()
    assert names(said, "fetched data") == sorted(map(str, gone))
    assert said["bytes"] == size  # of one file with two names
    assert (fetch.tree_path(source, {"a.csv": now}) / "a.csv").is_file()
    write(str(fetch.ROOT / f"{'b' * 32}.json"), "{")
    write(str(fetch.object_path(before)))
    assert cleaned()["parts"] == []  # what the other source has cannot be known


def test_drafts_of_killed_commands_go_and_those_of_now_stay(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    draft = f".page.html.{'0' * 16}"
    write(f"reports/tiny/1/{draft}", old=True)
    write(f"reports/tiny/1/.later.{'0' * 16}")
    write("reports/tiny/1/.hidden", old=True)
    fetching = write(str(fetch.object_path(f".{'0' * 16}")))
    assert names(cleaned(), "drafts") == [f"reports/tiny/1/{draft}"]
    assert len(list(Path("reports/tiny/1").iterdir())) == 2
    assert fetching.is_file()


def test_caches_go_on_request(cleaned: Callable[..., dict[str, Any]]) -> None:
    caches = [".stemma/scores/m/a.parquet", ".stemma/ancestry/d/i", ".stemma/tallies/a.json"]
    for name in (*caches, ".stemma/file_digests.db", ".stemma/llm-server/key"):
        write(name)
    assert cleaned()["parts"] == []
    assert len(names(cleaned(caches=True), "caches")) == 4
    assert not any(Path(name).exists() for name in caches)
    assert Path(".stemma/llm-server/key").exists()


def test_a_file_that_keeps_another_name_frees_nothing(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    write("models/tiny/9/model.bin", "x" * 10_000)
    Path(".dvc/cache").mkdir(parents=True)
    os.link("models/tiny/9/model.bin", ".dvc/cache/same")
    said = cleaned()
    assert (names(said, "models"), said["bytes"]) == (["models/tiny/9"], 0)
    assert Path(".dvc/cache/same").is_file()
    assert any("dvc gc" in note for note in said["notes"])


def answer(digest: str, dollars: float | None) -> Reply:
    return Reply(
        digest=digest,
        text="t",
        parsed=None,
        model="m",
        finish_reason="stop",
        tokens_in=1,
        tokens_out=1,
        attempts=1,
        seed=None,
        dollars=dollars,
        seconds=0.1,
        cached=False,
    )


def test_answers_that_were_paid_for_go_on_request_alone(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    with Cache.open(ask.CACHE) as cache:
        for digest, dollars in (("a", 0.25), ("b", 0.5), ("c", None)):
            cache.keep(answer(digest, dollars))
        cache.begin_batch("token", "https://service.example", ["d"])
    said = cleaned()
    assert (said["answers"]["answers"], said["answers"]["dollars"]) == (3, 0.75)
    assert (said["answers"]["unpriced"], said["answers"]["removed"]) == (1, False)
    assert "$0.750000, the cost of 1 is unknown) stay" in "".join(said["notes"])
    with Cache.open(ask.CACHE) as cache:
        assert set(cache.answers(["a", "b", "c"])) == {"a", "b", "c"}
    said = cleaned(answers=True)
    assert "would have to be paid again" in "".join(said["notes"])
    assert said["parts"][0]["number"] == 3
    with Cache.open(ask.CACHE) as cache:
        assert cache.answers(["a", "b", "c"]) == {}
        assert [digests for *_, digests in cache.batches("https://service.example")] == [("d",)]


def test_nothing_goes_without_a_yes(
    cleaned: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("models/tiny/9/model.bin")
    assert cleaned(dry_run=True, yes=False)["removed"] is False
    with pytest.raises(UsageError, match="--yes"):
        cleaned(yes=False)
    monkeypatch.setattr(clean, "sys", SimpleNamespace(stdin=Terminal("yes\n"), stderr=Terminal()))
    with pytest.raises(UsageError, match="--yes"):
        cleaned(yes=False)  # with --json, nobody was shown what would go
    assert Path("models/tiny/9/model.bin").is_file()
    clean.run(**{**OPTIONS, "yes": False, "as_json": False})
    assert not Path("models/tiny/9").exists()


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_goes_while_another_command_is_at_work(
    cleaned: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("models/tiny/9/model.bin")
    collected: list[bool] = []
    monkeypatch.setattr(clean, "_collect", lambda *_, dry_run: collected.append(not dry_run))
    with at_work.together(), pytest.raises(AtWorkError):
        cleaned()
    assert collected == [False]  # of the lake nothing is freed that would not be said
    assert Path("models/tiny/9/model.bin").is_file()
    cleaned()
    assert not Path("models/tiny/9").exists()


def test_what_is_named_while_somebody_is_asked_stays(
    cleaned: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("models/tiny/9/model.bin")
    monkeypatch.setattr(clean, "_ask", lambda **_: write("params.yaml", rounds(1, 9)))
    assert cleaned()["parts"] == []
    assert Path("models/tiny/9/model.bin").is_file()


def test_a_cleaning_that_is_stopped_leaves_its_places_whole(
    cleaned: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("models/tiny/9/model.bin")

    def stop(path: Path) -> None:
        raise KeyboardInterrupt(path)

    with monkeypatch.context() as patched:
        patched.setattr(removal.shutil, "rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            cleaned()
    assert not Path("models/tiny/9").exists()
    assert len(list(removal.REMOVED.iterdir())) == 1
    assert len(names(cleaned(), "removed before")) == 1
    assert not removal.REMOVED.exists()


def test_a_long_text_is_searched_in_no_time(project: Path) -> None:
    write("dvc.lock", "a" * 2_000_000)
    assert named.search(project).rounds >= {("tiny", 1)}


def test_garbage_of_the_lake_goes_and_what_a_branch_of_git_names_stays(
    cleaned: Callable[..., dict[str, Any]], project: Path, request: pytest.FixtureRequest
) -> None:
    local = InProcessLake(project / ".lake")
    kept, sha256 = local.abandon("kept", b"kept")
    local.abandon("gone", b"gone")
    files.write_json(Path("receipt"), {"commit": kept})
    content = Path("receipt").read_text(encoding="utf-8")
    Path("receipt").unlink()
    commit("other", rounds__tiny__3__verify_dot_json=content)
    request.addfinalizer(start(project / ".lake").stop)
    said = cleaned(keep="0", dry_run=True)
    assert (said["lake"]["objects"], said["lake"]["commits"], said["removed"]) == (1, 1, False)
    said = cleaned(keep="0")
    assert (said["lake"]["objects"], said["lake"]["object_bytes"]) == (1, 4)
    assert local.has_object(sha256)
    assert cleaned(keep="0")["parts"] == []
    shutil.rmtree(".git")
    said = cleaned(keep="0")
    assert "only this checkout" in said["notes"][0]
    assert not local.has_object(sha256)


def test_kept_shards_of_committed_and_nameless_rounds_go_and_others_with_caches(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    for key, number in (("aa", 1), ("bb", 1), ("cc", 9)):
        about = json.dumps({"dataset": "tiny", "round": number})
        write(f".stemma/shards/{key}/round.json", about)
        write(f".stemma/shards/{key}/000000/shard.json", "{}")
    write(".stemma/shards/dd/000000/shard.json", "{}")
    receipt = Receipt(
        stage="generate", dataset="tiny", round=1, line="main", repository="stemma",
        branch="tiny-r001", commit="1" * 64, input_key="aa", recipe="r", rows={},
    )  # fmt: skip
    receipts.write(receipt)
    said = cleaned()
    assert names(said, "shards") == [f".stemma/shards/{key}" for key in ("aa", "cc", "dd")]
    assert Path(".stemma/shards/bb/000000/shard.json").is_file()
    assert names(cleaned(caches=True), "caches") == [".stemma/shards/bb"]
    assert cleaned(caches=True)["parts"] == []


def test_what_a_killed_purge_left_goes_and_that_of_now_stays(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    left, now = Path(".stemma/purge-abc"), Path(".stemma/purge-now")
    write(str(left / "purge-0"))
    write(str(now / "purge-0"))
    write(".stemma/purge.lock", old=True)
    os.utime(left, (OLD, OLD))
    assert names(cleaned(), "purges") == [str(left)]
    assert not left.exists()
    assert now.is_dir()
    assert Path(".stemma/purge.lock").is_file()
