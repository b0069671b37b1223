"""`stemma takedown --purge`: taken from main and from every version, in one command."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lake import purging, refs
from lake.home import LakeHome
from lake.server.storage.objects import object_files
from pipelines.rounds import purges, tables
from pipelines.rounds.purges import PurgeRecord
from pipelines.takedown import record, removal
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


def test_a_purge_that_was_killed_after_its_record_leaves_one_record(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = copied.stemma("takedown", some(copied), "--reason", "asked", "--name", "letter")
    assert done.code == 0, done.said
    purge = ("takedown", "purge", "letter", "--yes")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(purging, "purge", killed)
        assert copied.stemma(*purge).code != 0
    lakes = [copied.lake(), copied.lake(holdout=True)]
    before = [purges.of_lake(lake).paths for lake in lakes]
    assert [[*paths] for paths in before] == [["letter/001.dsse.json"]] * 2
    with purging.alone(copied.root / ".lake"):
        busy = copied.stemma(*purge)
    assert busy.code == 75
    assert "another process purges this lake" in busy.err
    assert copied.stemma(*purge).code == 0
    for lake in lakes:
        ((path, kept),) = purges.of_lake(lake).paths.items()
        assert path == "letter/001.dsse.json"
        assert all(item.purged.sha256 not in files(copied) for item in kept.objects)
        assert {item.cleaned.sha256 for item in kept.objects} <= files(copied)
    assert not list((copied.root / ".lake/staging").iterdir())
    assert copied.stemma("audit", "--history", "main").code == 0


@pytest.mark.slow
def test_what_a_later_purge_takes_is_no_finding_of_an_earlier_take_down(copied: Project) -> None:
    samples = tables.read(copied.lake(), "tiny-v0", "tiny", "samples").collect()["sample_id"]
    for name, sample in zip("ab", samples.to_list(), strict=False):
        words = ("takedown", sample.hex(), "--reason", "asked", "--name", name, "--purge", "--yes")
        done = copied.stemma(*words)
        assert done.code == 0, done.said
    history = copied.stemma("audit", "--history", "main")
    assert history.code == 0, history.said
    assert copied.stemma("audit", "--recompute", "main").code == 0
    lake = copied.lake()
    after = lake.log(refs.MAIN, first_parent=True)
    first = next(one.id for one in after if one.metadata.get("stemma.takedown") == "a")
    prefix = refs.partition("tiny", "samples", 0)
    now, lacking = lake.scan(first, prefix), purges.lacking_at(lake, first, prefix)
    stated = record.read(lake, first, "a").rounds[0].payload
    assert removal.payload_digest(now, ("image",), "tiny", lacking) == stated
    assert removal.payload_digest(now, ("image",), "tiny") != stated
    assert removal.payload_digest(now, ("image",), "tiny", lacking.head(0)) != stated


def files(project: Project) -> set[str]:
    """The names of all objects of a project's lake."""
    return {name for name, _ in object_files(LakeHome(project.root / ".lake").objects)}
