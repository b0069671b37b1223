"""A main whose merges a webhook agrees to, or not: `publish` says so, and leaves main as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from lake.client import Lake
from tests.flow.projects import STAGES, Project
from tests.lake.receiver import Receiver, agree, receiving, refuse
from tests.lake.servers import Served, start

pytestmark = pytest.mark.slow

GATE = """
name: release board
on: {pre-merge: {branches: [main]}}
hooks:
  - id: may_publish
    type: webhook
    properties: {url: "%s"}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def serve(empty: Project, receiver: Receiver) -> Callable[[], Served]:
    """Serves the project's lake as its operator does it."""
    more = ["--hook-address", receiver.url]
    return partial(start, empty.root / ".lake", more=more)


@pytest.fixture
def gated(empty: Project, receiver: Receiver, serve: Callable[[], Served]) -> Lake:
    """The project's lake with a gate on main."""
    empty.run("lake", "")
    empty.stop_lake()
    serve()
    lake = empty.lake()
    text = GATE % receiver.hook("/gate")
    lake.write_bytes("main", "_lakefs_actions/gate.yaml", text.encode())
    lake.commit("main", "Ask the release board before merges into main", {})
    return lake


def test_a_refused_publish_names_hook_and_answer_and_can_be_repeated(
    empty: Project, gated: Lake, receiver: Receiver, serve: Callable[[], Served]
) -> None:
    empty.run("ingest", "tiny")
    empty.round("tiny-1", *STAGES[:-1])
    before = gated.head("main")
    receiver.hook("/gate", refuse)
    refused = empty.stemma("stage", "publish", "tiny-1")
    assert refused.code == 4
    sentence = refused.err.strip().splitlines()[-1]
    assert "pre-merge hook aborted" in sentence
    assert "failed on action 'release board' hook 'may_publish'" in sentence
    assert "(status code: 403): the rows are too few" in sentence
    assert "Traceback" not in refused.err
    assert gated.head("main") == before
    event = receiver.calls("/gate")[-1].event
    assert event["branch_id"] == "main"
    assert event["commit_metadata"]["stemma.round"] == "1"

    empty.stop_lake()
    seen = len(receiver.calls("/gate"))
    refused = empty.stemma("stage", "publish", "tiny-1")  # by a server that starts on demand
    assert refused.code == 4
    assert "this server may call no address" in refused.err
    assert len(receiver.calls("/gate")) == seen
    assert gated.head("main") == before

    empty.stop_lake()
    serve()
    receiver.hook("/gate", agree)
    published = empty.stemma("stage", "publish", "tiny-1")
    assert published.code == 0, published.err
    assert "tiny-v1" in gated.tags()
    audited = json.loads(empty.stemma("audit", "--history", "main", "--json").out)
    found = [finding["first"] for finding in audited["findings"]]
    assert found == ["_lakefs_actions/gate.yaml"]  # a change of main by hand, as any other
