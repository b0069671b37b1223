"""`stemma takedown --purge`: taken from main and from every version, in one command."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lake import refs
from pipelines.rounds import purges, tables
from pipelines.rounds.purges import PurgeRecord
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


def test_the_first_two_purges_at_once_both_keep_their_records(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, other = copied.lake(), copied.lake()
    one, two = (PurgeRecord(takedown=name, created=0, who="", ids=(), objects=()) for name in "ab")
    log = lake.log

    def meanwhile(*args: Any, **more: Any) -> Any:
        if other.head(refs.PURGED) is None:
            purges.keep(other, one, b"1")
        return log(*args, **more)

    monkeypatch.setattr(lake, "log", meanwhile)
    purges.keep(lake, two, b"2")
    kept = [item.path for item in lake.objects(refs.PURGED) if item.path[:2] in {"a/", "b/"}]
    assert [path[:2] for path in kept] == ["a/", "b/"]
