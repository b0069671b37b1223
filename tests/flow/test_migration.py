"""`stemma lake migrate`: a project at work on a lake whose commits have other ids."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lake import keys, private, refs
from lake.client import Lake
from lake.client.connection import open_connection
from lake.client.replica import Replica
from lake.keys import Role
from lake.migration.plan import WORK
from lake.polling import until
from lake.settings import ACCESS_KEY, ENDPOINT, SECRET_KEY
from pipelines.common import signing
from pipelines.common.errors import StaleError
from pipelines.inquiry import migration
from pipelines.rounds import moved_commits, receipts
from pipelines.rounds.context import PRIVATE
from tests.flow.lab import key_pair
from tests.flow.projects import HERE, PATH, ROOT, Project, copy, tiny_round
from tests.lake.servers import Served, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ALWAYS = ["lake", "inputs@tiny"]
"""The stages that run on every `dvc repro`."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A project, and the server that it moves to."""

    project: Project
    served: Served

    @property
    def env(self) -> dict[str, str]:
        """What names the server."""
        remote = self.served.remote
        return {
            ENDPOINT: remote.endpoint,
            ACCESS_KEY: remote.access_key_id,
            SECRET_KEY: remote.secret_access_key,
        }

    def target(self, repository: str = "stemma") -> Replica:
        """A repository of the server, by the ids that it gives."""
        return Replica(open_connection(self.served.remote, None), repository)

    def json(self, *words: str, code: int = 0) -> Any:
        """What a command prints as JSON, on the server."""
        done = self.project.stemma(*words, "--json", env=self.env)
        assert done.code == code, done.said
        return json.loads(done.out)

    def repro(self, **env: str) -> list[str]:
        """The stages that `dvc repro` runs."""
        done = self.project.command("dvc", "repro", env=env)
        assert done.code == 0, done.said
        lines = done.said.splitlines()
        return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


@contextlib.contextmanager
def moving(source: Path, place: Path) -> Iterator[Moving]:
    """A copy of a project as the current directory, and a server with other ids."""
    project = copy(source, place / "project")
    served = start(place / "target", salted=True, more=["--user", "team"])
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(project.root)
            yield Moving(project, served)
    finally:
        project.drop_lake()
        served.kill()


@pytest.fixture(scope="module")
def moved(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moving]:
    """A project with a lock file of DVC, moved."""
    with moving(published, tmp_path_factory.mktemp("moved")) as found:
        root = found.project.root
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
            subprocess.run(["git", *words], cwd=root, check=True)
        for stage in ("inputs", "report"):
            found.project.run(stage, "tiny")
        done = found.project.command("dvc", "commit", "--force")
        assert done.code == 0, done.said
        assert found.repro() == ALWAYS
        before = found.project.stemma("status", "--json").out
        dry = found.json("lake", "migrate", "--dry-run")
        assert found.target().facts() is None
        made = found.json("lake", "migrate")
        for seen, done_there in zip(dry["repositories"], made["repositories"], strict=True):
            counted = done_there["tally"]["sent"] + done_there["tally"]["copied"]
            assert (seen["to_send"], seen["made"]) == (counted, done_there["tally"]["commits"])
        (root / "before.json").write_text(before, encoding="utf-8")
        yield found


def test_no_stage_runs_and_nothing_is_found_afterwards(moved: Moving) -> None:
    written = {place: place.read_bytes() for place in Path("rounds").rglob("*.json")}
    assert moved.repro(**moved.env) == ALWAYS
    assert written == {place: place.read_bytes() for place in Path("rounds").rglob("*.json")}
    head = receipts.read("tiny", 2, "publish").commit
    assert moved.target().head(refs.MAIN) not in {None, head}
    history = moved.json("audit", "--history", "main")
    assert history["commit"] == head
    assert (history["findings"], history["refs"], history["maps"]) == ([], [], [])
    assert history["steps"] == {"nothing": 1, "real data": 1, "round": 2}
    assert all(step["signed_by"] for step in history["proved"])
    assert moved.json("audit", "--recompute", "main")["findings"] == []
    before = json.loads(Path("before.json").read_text(encoding="utf-8"))
    assert moved.json("status")["datasets"] == before["datasets"]


def test_the_next_round_is_made_on_commits_that_moved(
    moved: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = moved.project
    shutil.copy2(HERE / "noisy.py", project.root / "noisy.py")
    entry = tiny_round(3) | {"generator": "noisy.py"}
    project.edit(lambda found: found["rounds"].update({"tiny-3": entry}))
    for name, value in moved.env.items():
        monkeypatch.setenv(name, value)
    project.run("inputs", "tiny")
    project.round("tiny-3")
    history = moved.json("audit", "--history", "main")
    assert history["steps"] == {"nothing": 1, "real data": 1, "round": 3}
    assert history["findings"] == []
    done = project.stemma("lake", "migrate", env=moved.env)
    assert done.code == 4
    assert "holds something else" in done.err


def test_the_maps_that_nobody_trusted_signed_are_findings(moved: Moving, tmp_path: Path) -> None:
    place = moved_commits.path("stemma")
    whole = place.read_bytes()
    content = json.loads(whole)
    first, second = sorted(content["commits"])[:2]
    ids = content["commits"]
    swapped = {**ids, first: ids[second], second: ids[first]}
    edited = json.dumps({**content, "commits": swapped}).encode()
    foreign = moved_commits.CommitMap(**content)
    theirs = foreign.signed(signing.signer({signing.KEY: str(key_pair(tmp_path / "theirs"))}))
    try:
        for data in (edited, theirs.encoded(), b"{}", whole.replace(b"stemma", b"stemna", 1)):
            place.write_bytes(data)
            found = moved.json("audit", "--history", "main", code=1)
            assert [finding["place"] for finding in found["maps"]] == [str(place)]
            done = moved.project.stemma("stage", "lake", env=moved.env)
            assert done.code != 0
            assert str(place) in done.said
            assert "Traceback" not in done.said
    finally:
        place.write_bytes(whole)
    assert moved.json("audit", "--history", "main")["maps"] == []


def test_whoever_has_the_lake_alone_reads_through_its_own_map(moved: Moving) -> None:
    place = moved_commits.path("stemma")
    whole = place.read_bytes()
    lake = Lake(moved.target().connection, "stemma")
    stored = lake.read(refs.MOVED, moved_commits.PATH)
    assert stored == whole
    place.unlink()
    try:
        history = moved.json("audit", "--history", "main")
        assert (history["findings"], history["refs"], history["maps"]) == ([], [], [])
        lake.write_bytes(refs.MOVED, moved_commits.PATH, stored.replace(b'"team"', b'"them"'))
        lake.write_bytes(refs.MOVED, moved_commits.PATH, b"{}")
        found = moved.json("audit", "--history", "main", code=1)
        assert [finding["place"] for finding in found["maps"]] == [refs.MOVED]
    finally:
        place.write_bytes(whole)
    found = moved.json("audit", "--history", "main", code=1)
    assert [finding["place"] for finding in found["maps"]] == [refs.MOVED]
    assert found["findings"] == []
    lake.write_bytes(refs.MOVED, moved_commits.PATH, stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moved_commits, "path", lambda _: Path("nowhere"))
        assert moved_commits.of_lake(lake) is not None


def test_a_move_that_is_killed_goes_on(published: Path, tmp_path: Path) -> None:
    with moving(published, tmp_path) as found:

        def kill_when(reached: Callable[[Replica], bool]) -> None:
            env = {**os.environ, **found.env, "PATH": PATH, "PYTHONPATH": str(ROOT)}
            command = [sys.executable, "-m", "review.cli.app", "lake", "migrate"]
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
            with process:
                seen = until(lambda: reached(found.target()), interval=0.01, timeout=60)
                process.send_signal(signal.SIGKILL)
            assert seen
            assert process.returncode == -signal.SIGKILL
            assert not moved_commits.path("stemma").exists()

        kill_when(lambda target: target.facts() is not None and bool(target.branches(WORK)))
        kill_when(lambda target: len(list(target.log(refs.MAIN))) > 4)
        made = found.json("lake", "migrate")["repositories"][0]
        assert 0 < made["tally"]["commits"] < made["commits"] - 4
        target = found.target()
        heads = {**target.branches(), **target.tags()}
        heads.pop(refs.MOVED)
        assert len({commit.id for head in heads for commit in target.log(head)}) == made["commits"]
        assert not target.branches(WORK)
        history = found.json("audit", "--history", "main")
        assert (history["findings"], history["refs"], history["maps"]) == ([], [], [])


def test_a_lake_that_cannot_take_the_project_is_said(published: Path, tmp_path: Path) -> None:
    with moving(published, tmp_path) as found:
        said = found.project.stemma("lake", "migrate").err
        assert "nothing names the lakeFS to move to" in said
        wrong = found.project.stemma("lake", "migrate", env=found.env | {SECRET_KEY: "wrong"})
        assert wrong.code == 4
        assert "must be allowed to create the repository" in wrong.err
        reader = keys.add(found.served.home, "reader", Role.READER)
        read_only = {ACCESS_KEY: reader.access_key_id, SECRET_KEY: reader.secret_access_key}
        refused = found.project.stemma("lake", "migrate", env=found.env | read_only)
        assert refused.code == 4
        assert "must be allowed to create the repository" in refused.err
        assert found.target().facts() is None
        bucket = found.project.stemma(
            *("lake", "migrate", "--namespace", "s3://bucket"), env=found.env
        )
        assert bucket.code == 4
        assert "refused to create stemma" in bucket.err
        private.folder(PRIVATE)
        with migration.LOCK.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            busy = found.project.stemma("lake", "migrate", env=found.env)
        assert busy.code == 75
        assert "another process moves this project" in busy.err
        nowhere = found.project.stemma("lake", "migrate", "--home", "nowhere", env=found.env)
        assert "there is no lake in" in nowhere.err
        moved_commits.path("stemma").mkdir(parents=True)
        with pytest.raises(StaleError, match="restore it from git"):
            moved_commits.of_file("stemma")
