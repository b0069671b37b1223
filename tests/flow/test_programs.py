"""A round of programs, right ones and hostile ones: exactly the right ones are accepted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.rounds import tables
from tests.flow.projects import NO_LIMITS, STAGES, Project, checkout
from tests.pipelines.isolated import needs_sandbox
from tests.pipelines.sandbox.judging import ATTACKS, RIGHT, SECRET, TESTS

pytestmark = needs_sandbox
COLUMNS = ("task", "code", "tests")
KEY = "sk-of-the-service-123456"
ROWS = 60
SOUND = [name for name in RIGHT if name != "texts of all scripts"]
"""Half surrogates do not survive the way through a service."""


def candidates() -> list[dict[str, str]]:
    """What the service answers: right programs, wrong ones, attacks, tests that judge nothing."""
    right = [(name, RIGHT[name]["program"], RIGHT[name]["tests"]) for name in SOUND]
    wrong = [(f"not {name}", _wrong(RIGHT[name]), RIGHT[name]["tests"]) for name in SOUND[::5]]
    hostile = [
        (name, found["program"] + ATTACKS["tests"]["wrong"], found.get("tests", TESTS))
        for kind in ("forged", "unjudged")
        for name, found in ATTACKS[kind].items()
    ]
    leaks = [
        (name, ATTACKS["prelude"]["looking"].replace("@TERCES@", SECRET[::-1]) + program, TESTS)
        for name, program in ATTACKS["looking"].items()
    ]
    told = [("tells its environment", "import os\nraise ValueError(dict(os.environ))", TESTS)]
    rows = [*right, *wrong, *hostile, *leaks, *told]
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def _wrong(found: Mapping[str, str]) -> str:
    return found["program"].replace(found["part"], found["mistake"])


@pytest.fixture(
    params=[
        pytest.param(13, id="a thirteenth of them"),
        pytest.param(3, id="a third of them", marks=pytest.mark.slow),
    ]
)
def asked(request: pytest.FixtureRequest) -> list[dict[str, str]]:
    """The candidates of a round, some of each kind; the sandbox's own tests run all of them."""
    return candidates()[:: request.param]


@pytest.fixture
def service(asked: list[dict[str, str]]) -> Iterator[str]:
    """Address of a service that answers with one candidate after the other."""
    answers, lock = cycle(asked), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            with lock:
                content = json.dumps(next(answers))
            body: dict[str, Any] = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": "scripted",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": content},
                    }
                ],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
            said = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with a data set of tasks, programs and tests."""
    made = checkout(tmp_path / "project")
    monkeypatch.chdir(made.root)
    rows = [
        {
            "task": f"Add {number} to a number.",
            "code": f"def add_{number}(x):\n    return x + {number}\n",
            "tests": f"assert add_{number}(1) == {number + 1}\n",
        }
        for number in range(ROWS)
    ]
    pl.DataFrame(rows).write_ndjson(made.root / "tasks.jsonl")
    rules = [
        ("expect_column_values_to_not_be_null", {"column": "code_passes"}),
        ("expect_column_values_to_be_in_set", {"column": "code_passes", "value_set": [True]}),
    ]
    suite = {
        "name": "tasks",
        "expectations": [
            {"type": kind, "kwargs": kwargs, "severity": "critical", "meta": {"name": f"r{at}"}}
            for at, (kind, kwargs) in enumerate(rules)
        ],
    }
    place = made.root / "expectations" / "suites" / "tasks.json"
    place.write_text(json.dumps(suite), encoding="utf-8")
    yield made
    made.drop_lake()


def params(url: str, count: int) -> dict[str, Any]:
    text = {
        "service": {"model": "scripted", "base_url": url, "schema_as": "none"},
        "shots": 1,
        "max_chars": None,
    }
    return {
        "line": "main",
        "seed": 1,
        "datasets": {
            "tasks": {
                "identity": list(COLUMNS),
                "ingest": {"source": "tasks.jsonl", "modality": "text", "near": 0.0},
                "fit": {},
                "generate": {"candidates": count, "shard_rows": count, "text": text},
                "verify": {"scorers": {"code": {}}},
                "curate": {},
                "evaluate": {"null_draws": 2, "bootstrap": 20},
                "publish": {"guard": NO_LIMITS},
            }
        },
        "rounds": {
            "tasks-1": {
                "dataset": "tasks",
                "round": 1,
                "previous": 0,
                "generator": "text",
                **{name: {} for name in STAGES},
            }
        },
    }


def test_exactly_the_right_programs_of_a_round_are_accepted(
    project: Project,
    service: str,
    asked: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = {name: {row["task"] for row in asked} & set(ATTACKS[name]) for name in ATTACKS}
    right = {(name, RIGHT[name]["program"]) for name in SOUND}  # an attack has the name of one
    sound = [
        (row["task"], row["code"].strip()) for row in asked if (row["task"], row["code"]) in right
    ]
    assert all([sound, kinds["forged"], kinds["unjudged"], kinds["looking"]])
    content = yaml.safe_dump(params(service, len(asked)), sort_keys=False)
    (project.root / "params.yaml").write_text(content, encoding="utf-8")
    monkeypatch.setenv("PLANTED_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    project.run("lake", "")
    project.run("ingest", "tasks")
    project.round("tasks-1")
    lake = project.lake()
    samples = tables.read(lake, "main", "tasks", "samples").filter(pl.col("round") == 1).collect()
    accepted = samples.select("task", pl.col("code").str.strip_chars())
    assert sorted(accepted.iter_rows()) == sorted(sound)
    scores = tables.read(lake, "main", "tasks", "scores").collect()
    assert len(scores) == len(asked)
    assert scores["code_passes"].null_count() >= len(kinds["unjudged"])
    assert scores["code_says"].str.len_chars().max() <= 400  # type: ignore[operator]
    for table in ("scores", "verdicts"):
        frame = tables.read_round(lake, "tasks-r001", "tasks", table, 1)
        assert not _holds(repr(frame.rows()).encode())
    for item in lake.objects("tasks-r001", "tasks/"):
        assert not _holds(lake.read("tasks-r001", item.path))
    for place in (project.root / ".stemma").rglob("*"):
        if place.suffix == ".parquet":
            assert not _holds(repr(pl.read_parquet(place).rows()).encode())
        elif place.is_file():
            assert not _holds(place.read_bytes())


def _holds(data: bytes) -> bool:
    return any(secret.encode() in data for secret in (SECRET, KEY))
