"""`stemma takedown --purge`: taken from main and from every version, in one command."""

from __future__ import annotations

import json

import pytest

from pipelines.rounds import tables
from tests.flow.projects import Project


def some(project: Project) -> str:
    frame = tables.read(project.lake(), "main", "tiny", "lineage").collect()
    return str(frame.filter(frame["kind"] == "real")["sample_id"][3].hex())


@pytest.mark.slow
def test_one_command_takes_and_purges(copied: Project) -> None:
    sample, main = some(copied), copied.lake().head("main")
    before = len(tables.read(copied.lake(), "tiny-v0", "tiny", "samples").collect())
    words = ("takedown", sample, "--reason", "asked", "--purge")
    refused = copied.stemma(*words)
    assert refused.code == 2
    assert "confirm it with --yes" in refused.err
    assert copied.lake().head("main") == main, "it is refused before anything is taken"
    done = copied.stemma(*words, "--yes", "--json")
    assert done.code == 0, done.said
    answer = json.loads(done.out)
    (taken,), (purged,) = answer["takedowns"], answer["purges"]
    assert purged["takedown"] == taken["name"]
    assert purged["purged"]["objects"] > 0
    assert len(tables.read(copied.lake(), "tiny-v0", "tiny", "samples").collect()) == before - 1
    verified = copied.stemma("takedown", "verify", taken["name"])
    assert verified.code == 0, verified.said
    again = copied.stemma(*words, "--yes")
    assert again.code == 0, again.said
    assert "purge NAME" in again.err
