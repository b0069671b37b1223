"""Rounds on a cluster of Ray: a raylet that is killed in the middle changes nothing of them."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipelines.generators.protocol import GenerateResult
from tests import needs
from tests.flow.clusters import Raylets, eventually, raylets
from tests.flow.executed import digest, fitted, made_by, shard_folders
from tests.flow.projects import Project
from tests.flow.questions import reply, sums
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ANSWERS = 24
HELD = 9
"""Answers after which the service waits."""


@pytest.fixture
def cluster() -> Iterator[Raylets]:
    needs.RAY.check()
    with raylets(2) as started:
        yield started


def made_while(
    happens: Callable[[], None], executor: dict[str, Any], project: Project, key: str
) -> GenerateResult:
    """Make a round while something happens; an error of that is raised."""
    errors: list[BaseException] = []

    def watched() -> None:
        try:
            happens()
        except BaseException as error:  # noqa: BLE001  raised below
            errors.append(error)

    watching = threading.Thread(target=watched)
    watching.start()
    result = made_by(executor, project, key)
    watching.join()
    if errors:
        raise errors[0]
    return result


def lines(name: str) -> list[str]:
    return Path(name).read_text(encoding="utf-8").split() if Path(name).exists() else []


def test_a_round_of_pictures_survives_a_killed_raylet(copied: Project, cluster: Raylets) -> None:
    fitted(copied, "./marked.py", candidates=9, shard_rows=2)
    expected = digest(made_by("local", copied, "tiny-3"))
    Path("made").unlink()
    Path("began").unlink()
    for number in range(5):
        Path(f"wait-{number}").touch()

    def one_is_killed() -> None:
        try:
            eventually(lambda: len(lines("began")) == 2 and len(cluster.at_work()) == 2)
            cluster.kill(cluster.nodes[1])
        finally:  # or the shards wait for ever
            for number in range(5):
                Path(f"wait-{number}").unlink()

    on_it = {"kind": "ray", "address": cluster.address}
    assert digest(made_while(one_is_killed, on_it, copied, "tiny-3")) == expected
    assert sorted(lines("made")) == list("01234")
    assert len(lines("began")) == 6  # one shard had begun on the node that was killed
    assert shard_folders() == []


def places_of_clusters() -> set[Path]:
    """Folders of the clusters that stages have started here and that are there."""
    roots = {Path(tempfile.gettempdir()), Path("/tmp")}  # noqa: S108  as stages do
    return {place for root in roots for place in root.glob("stemma-ray-*")}


def test_a_cluster_of_a_stage_listens_on_loopback_alone_and_writes_no_key(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs.RAY.check()
    key = f"planted-{secrets.token_hex(16)}"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    fitted(copied, "./marked.py", candidates=4, shard_rows=2)
    Path("wait-0").touch()
    before, addresses, written = places_of_clusters(), set[str](), dict[Path, bytes]()

    def looked_at() -> None:
        try:
            eventually(lambda: sorted(lines("made")) == ["1"] and lines("began").count("0"))
            for process in psutil.Process().children(recursive=True):
                for each in process.net_connections("inet"):
                    if each.status == psutil.CONN_LISTEN:
                        addresses.add(each.laddr.ip)
            for place in places_of_clusters() - before:
                files = (path for path in place.rglob("*") if path.is_file())
                written.update({path: path.read_bytes() for path in files})
        finally:
            Path("wait-0").unlink()

    made_while(looked_at, {"kind": "ray", "workers": 2}, copied, "tiny-3")
    assert addresses
    assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    assert any(path.name.startswith("raylet") for path in written)
    assert [path for path, content in written.items() if key.encode() in content] == []
    assert places_of_clusters() <= before


@contextmanager
def held_service() -> Iterator[tuple[Proxy, threading.Event]]:
    """A service that waits after so many answers, until it is told to go on."""
    go_on, count = threading.Event(), iter(range(10_000))

    def held(body: Any) -> object:
        if next(count) == HELD:
            go_on.wait(300)
        return reply(body)

    with Proxy(NOBODY, "k", always=answering(held)) as proxy:
        yield proxy, go_on


def test_a_round_of_texts_survives_a_killed_raylet(
    tmp_path: Path, cluster: Raylets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-key")
    with held_service() as (service, go_on):
        generate = {"candidates": ANSWERS, "shard_rows": 5}
        project = sums(tmp_path / "project", service.url, generate)
        monkeypatch.chdir(project.root)
        for stage, key in (("lake", ""), ("ingest", "sums"), ("fit", "sums-1")):
            project.run(stage, key)

        def it_is_killed() -> None:
            try:
                eventually(lambda: len(service.seen) > HELD and cluster.at_work())
                (node,) = cluster.at_work()
                cluster.kill(node)
            finally:
                go_on.set()

        on_it = {"kind": "ray", "address": cluster.address}
        made = made_while(it_is_killed, on_it, project, "sums-1")
        asked = len(service.seen)
        assert ANSWERS < asked < 2 * ANSWERS  # what was answered before is not asked again
        assert made.report.facts["asked"] == ANSWERS
        local = made_by("local", project, "sums-1")
        assert len(service.seen) == asked
        assert digest(made) == digest(local)
    project.drop_lake()
