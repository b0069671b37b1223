"""Events of stages by OpenLineage's own transports: a file, a server, and none that answers."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipelines.common.errors import BlockedError
from pipelines.lineage_events import configuration, emitting
from tests.flow import typed_events
from tests.flow.projects import Project

STAGES = ("fit", "generate", "verify", "curate", "evaluate", "publish")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the transport `file` of the client appends events to."""
    place = tmp_path / "events.jsonl"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(place))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    return place


def events(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in place.read_text().splitlines()]


def named(datasets: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in datasets}


def test_every_stage_tells_what_it_read_and_wrote(copied: Project, told: Path) -> None:
    copied.run("lake", "")
    copied.run("ingest", "tiny")
    copied.round("tiny-2")
    found = events(told)
    for each in found:
        typed_events.check(each)
    jobs = [(each["job"]["name"], each["eventType"]) for each in found]
    stages = ["lake", "tiny.ingest", *(f"tiny.{name}" for name in STAGES)]
    assert jobs == [(name, state) for name in stages for state in ("START", "COMPLETE")]
    done = {each["job"]["name"]: each for each in found if each["eventType"] == "COMPLETE"}
    read = {name: list(named(each["inputs"])) for name, each in done.items()}
    written = {name: list(named(each["outputs"])) for name, each in done.items()}
    assert read["tiny.ingest"] == ["tiny.py"]
    assert (read["tiny.fit"], written["tiny.fit"]) == (["tiny"], ["models/tiny/2"])
    assert written["tiny.generate"] == ["tiny/candidates", "tiny/lineage"]
    assert written["tiny.verify"] == ["tiny/scores", "tiny/verdicts"]
    assert read["tiny.curate"] == ["tiny/candidates", "tiny/scores", "tiny/verdicts"]
    assert written["tiny.publish"] == written["tiny.ingest"][:1] == ["tiny"]
    parents = {each["run"]["facets"]["parent"]["run"]["runId"] for each in found[4:]}
    assert len(parents) == 1
    assert len({each["run"]["runId"] for each in found}) == len(stages)


def test_facets_have_versions_columns_counts_and_where_columns_come_from(
    copied: Project, told: Path
) -> None:
    copied.round("tiny-2", "verify", "curate", "publish")
    verify, curate, publish = (each for each in events(told) if each["eventType"] == "COMPLETE")
    lake = copied.lake()
    samples = named(curate["outputs"])["tiny/samples"]
    facets = samples["facets"]
    parts = lake.objects(facets["version"]["datasetVersion"], "tiny/samples/round=002/")
    assert samples["outputFacets"]["outputStatistics"]["size"] == sum(each.size for each in parts)
    assert samples["outputFacets"]["outputStatistics"]["rowCount"] == 24
    assert [each["name"] for each in facets["schema"]["fields"]][-2:] == ["image", "label"]
    origin = facets["lineage"]["fields"]["label"]["inputs"]
    assert [(each["name"], each["field"]) for each in origin] == [("tiny/candidates", "label")]
    assert facets["columnLineage"]["fields"].keys() == facets["lineage"]["fields"].keys()
    assert [each["name"] for each in facets["lineage"]["inputs"]] == list(named(curate["inputs"]))
    (owner,) = facets["ownership"]["owners"]
    assert owner["name"].removeprefix("key:") in {path.stem for path in Path("trust").glob("*.pem")}
    merged = named(publish["outputs"])["tiny"]["facets"]
    assert merged["version"]["datasetVersion"] == lake.tags()["tiny-v2"]
    assert [(each["key"], each["value"]) for each in merged["tags"]["tags"]] == [("tag", "tiny-v2")]
    told_checks = {each["name"]: each for each in publish["run"]["facets"]["test"]["tests"]}
    assert told_checks["memorised"]["status"] == "pass"
    assert told_checks["verifier_calibration"]["status"] == "skip"
    asserted = named(verify["inputs"])["tiny/candidates"]["inputFacets"]["dataQualityAssertions"]
    about = {each["name"]: each for each in asserted["assertions"]}
    assert about["no_copy"]["severity"] == "error"
    assert about["no_copy"]["params"] == {"passed": 24, "failed": 0, "unknown": 0}
    assert (about["label_is_given"]["column"], "column" in about["no_copy"]) == ("label", False)


def test_a_stage_that_fails_says_of_what_kind_and_no_word_of_its_message(
    copied: Project, told: Path
) -> None:
    limits = {"guard": {"real_share_block": 0.99, "real_share_shallow": 0.0}}
    copied.edit(lambda found: found["rounds"]["tiny-2"].update(publish=limits))
    with pytest.raises(BlockedError, match="the guard blocks tiny-2"):
        copied.round("tiny-2", "publish")
    started, failed = events(told)
    typed_events.check(failed)
    assert (started["eventType"], failed["eventType"]) == ("START", "FAIL")
    assert failed["run"]["facets"]["errorMessage"]["message"] == (
        "BlockedError: The guard or a reviewer refused to publish."
    )
    assert failed["outputs"] == []
    checks = {each["name"]: each for each in failed["run"]["facets"]["test"]["tests"]}
    assert (checks["real_share"]["status"], checks["real_share"]["severity"]) == ("fail", "error")


class _Collector(http.server.BaseHTTPRequestHandler):
    """Takes events as a lineage server does."""

    bodies: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append((self.path, json.loads(body)))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    _Collector.bodies.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


def test_events_reach_a_server_without_passwords(
    copied: Project, server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{server.server_address[1]}")
    before = dict(os.environ)
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"ci/nightly/{'0' * 8}-0000-4000-8000-{'0' * 12}")
    origin = "https://me:hush@example.org/team/digits.git"
    for words in (["init", "-q"], ["remote", "add", "origin", origin]):
        subprocess.run(["git", *words], check=True)
    copied.run("curate", "tiny-2")
    (start_path, _), (_, complete) = _Collector.bodies
    assert start_path == "/api/v1/lineage"
    typed_events.check(complete)
    location = complete["job"]["facets"]["sourceCodeLocation"]
    assert location["url"] == location["repoUrl"] == "https://example.org/team/digits.git"
    assert (location["type"], location["path"]) == ("git", "dvc.yaml")
    assert complete["run"]["facets"]["parent"]["job"] == {
        "namespace": "ci",
        "name": "nightly",
        "facets": {},
    }
    assert "hush" not in json.dumps(_Collector.bodies)
    monkeypatch.delenv("OPENLINEAGE_PARENT_ID")
    assert dict(os.environ) == before


def test_a_server_that_does_not_take_them_fails_no_stage(
    copied: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", "http://me:hush@127.0.0.1:9")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__RETRY", '{"total": 0}')
    copied.run("curate", "tiny-2")
    said = capsys.readouterr().err
    assert said.count("openlineage:") == 1
    assert "2 of 2 events of stage curate not sent (ConnectionError)" in said
    assert "hush" not in said


def test_events_that_are_lost_at_the_end_are_counted_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Lost:
        def close(self) -> None:
            raise ConnectionError

    emitting.Told("curate", "tiny-2", sent=2, _client=Lost()).close()
    assert "2 of 2 events of stage curate not sent (ConnectionError)" in capsys.readouterr().err


def test_nothing_is_imported_where_nobody_listens(copied: Project) -> None:
    code = (
        "import sys; from pipelines.stages import runner; runner.start('lake', None)\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] == 'openlineage'))\n"
        "print('pipelines.lineage_events.collecting' in sys.modules)"
    )
    assert copied.root == Path.cwd()
    assert _python(code).splitlines()[-2:] == ["[]", "False"]


def _python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, False),
        ({"OPENLINEAGE_URL": "http://localhost"}, True),
        ({"OPENLINEAGE_URL": "http://localhost", "OPENLINEAGE_DISABLED": "True"}, False),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "console"}, True),
        ({"OPENLINEAGE_CONFIG": "missing.yml"}, False),
        ({"OPENLINEAGE_CONFIG": "long" * 100}, False),
        ({"OPENLINEAGE_NAMESPACE": "team"}, False),
    ],
)
def test_somebody_listens_where_the_client_would_find_a_transport(
    env: dict[str, str], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert configuration.is_configured(env) is expected
    (tmp_path / "openlineage.yml").write_text("transport:\n  type: console\n")
    assert configuration.is_configured({}) is True
