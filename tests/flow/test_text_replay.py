"""A round of texts is asked for again: the service answers as it did, otherwise, or is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lineage.manifest import RoundPart
from pipelines.gate import licences
from pipelines.llm.settings import API_KEY
from pipelines.rounds import manifest, receipts
from tests.flow.projects import Project
from tests.flow.questions import reply, sums
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering, status

CANDIDATES = 6
HOSTILE = "\x1b[2J<script>"


@pytest.fixture(scope="module")
def service() -> Iterator[Proxy]:
    with Proxy(NOBODY, "k", always=answering(reply)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, service: Proxy) -> Iterator[Project]:
    """A round that a service with seeds has made; the current directory."""
    shape = {"candidates": CANDIDATES, "shard_rows": 4}
    project = sums(tmp_path_factory.mktemp("replay") / "project", service.url, shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        patch.setenv(API_KEY, "planted-key")
        project.run("lake", "")
        project.run("ingest", "sums")
        project.round("sums-1", "fit", "generate")
        yield project
    project.drop_lake()


def replayed(project: Project, *words: str) -> tuple[int, dict[str, Any]]:
    done = project.stemma("replay", "sums-r001", "--yes", "--json", *words)
    return done.code, json.loads(done.out)


def other(body: Mapping[str, Any]) -> object:
    """As `reply`, but for some seeds, with what a terminal would obey."""
    return {"answer": HOSTILE} if body["seed"] % 2 else reply(body)


def test_a_service_that_answers_alike_is_the_same(made: Project, service: Proxy) -> None:
    before = len(service.seen)
    told = made.stemma("replay", "sums-r001", "--rows", "3", "--yes")
    assert told.code == 0, told.said
    assert "sums, round 1: same" in told.out
    assert "3 of 6 requests of the round: 3 same" in told.out
    assert "3 requests to a-calculator: an unknown amount is spent" in told.err
    assert len(service.seen) == before + 3  # nothing is taken from the answers that were kept
    code, found = replayed(made)
    assert (code, found["verdict"], found["counts"]) == (0, "same", {"same": CANDIDATES})


def test_a_service_that_answers_otherwise_differs_and_is_not_quoted(
    made: Project, service: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "always", answering(other))
    code, found = replayed(made)
    assert (code, found["verdict"]) == (1, "differs")
    assert 0 < found["counts"]["differs"] < CANDIDATES
    told = made.stemma("replay", "sums-r001", "--yes")
    assert told.code == 1
    assert "planned rows whose answers are not the same: " in told.out
    assert "script" not in told.said
    assert "\x1b" not in told.said


@pytest.mark.slow
def test_a_model_that_the_service_does_not_know_is_gone(
    made: Project, service: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "always", status(404, {"error": {"message": HOSTILE}}))
    code, found = replayed(made)
    assert (code, found["verdict"]) == (1, "the model is gone")
    told = made.stemma("replay", "sums-r001", "--yes")
    assert "sums, round 1: the model is gone" in told.out
    assert "answered 404" in told.out
    assert "\x1b" not in told.said
    monkeypatch.setattr(service, "always", status(500))
    code, found = replayed(made)
    assert (code, found["verdict"]) == (1, "incomplete")


def test_nothing_is_asked_without_a_confirmation(made: Project, service: Proxy) -> None:
    before = len(service.seen)
    told = made.stemma("replay", "sums-r001")
    assert told.code == 2
    assert "nothing was asked; confirm what it costs with --yes" in told.err
    assert len(service.seen) == before


def test_rows_without_a_licence_are_counted_by_what_they_are_from(made: Project) -> None:
    lake, commit = made.lake(), receipts.read("sums", 1, "generate").commit
    real = manifest.read(lake, commit, "sums", 0)["counts"]["accepted"]
    mix = [RoundPart(round=0, accepted=real, rows=real, weight=real)]
    every, found = licences.missing(lake, commit, "sums", mix)
    assert (every, list(found.values())) == (real, [real])
    mix.append(RoundPart(round=1, accepted=CANDIDATES, rows=CANDIDATES, weight=CANDIDATES))
    every, found = licences.missing(lake, commit, "sums", mix)
    assert every == real + CANDIDATES
    assert list(found.values()) == [real, CANDIDATES]
    assert list(found)[1] == "round 1 by a-calculator"


def test_a_stopped_service_is_gone(made: Project, service: Proxy) -> None:
    service.__exit__(None, None, None)
    try:
        code, found = replayed(made)
    finally:
        service.__enter__()
    assert (code, found["verdict"]) == (1, "the model is gone")
    assert "nothing answers at" in found["gone"][0]
