"""A purge of ten images and ten texts with two generations below, from every version of a lake."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from lake import refs
from lake.home import LakeHome
from lake.server.storage.objects import object_files
from lake.tables import encode
from pipelines.rounds import purges, tables
from pipelines.takedown import record
from tests.flow import two_kinds
from tests.flow.projects import Project, copy
from tests.flow.test_takedown import TAKEN, chosen, took
from tests.shared import made_once

NAME = "letter-12"
DATASETS = ("tiny", "talk")


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rounds of images and of texts; ten of each are taken from main, and not purged."""
    whole = two_kinds.made(tmp_path_factory)

    def make(root: Path) -> None:
        project = copy(whole, root)
        with contextlib.chdir(root):
            project.run("report", "tiny-1")
            ids = [one for dataset in DATASETS for one in chosen(project.lake(), dataset)]
            took(project, *ids, "--name", NAME)
        project.stop_lake()

    return made_once(tmp_path_factory, "acted", make)


@pytest.fixture
def taken(acted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project from whose main they were taken, and nothing was purged; the current directory."""
    project = copy(acted, tmp_path / "project")
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()


@pytest.fixture(scope="module")
def _purged(acted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = copy(acted, tmp_path_factory.mktemp("purged") / "project")
    done = project.stemma("takedown", "purge", NAME, "--yes", "--json")
    assert done.code == 0, done.said
    yield project
    project.drop_lake()


@pytest.fixture
def purged(_purged: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project after the purge, for tests that only read; the current directory."""
    monkeypatch.chdir(_purged.root)
    return _purged


def objects(project: Project) -> dict[str, bytes]:
    home = LakeHome(project.root / ".lake")
    return {name: path.read_bytes() for name, path in object_files(home.objects)}


def held(project: Project, ref: str, dataset: str) -> pl.DataFrame:
    return tables.read(project.lake(), ref, dataset, "samples").collect().sort("round", "row")


def _named(project: Project) -> pl.Expr:
    """Whether a row was asked to go."""
    ids = record.read(project.lake(), refs.MAIN, NAME).ids
    return pl.col("sample_id").bin.encode("hex").is_in(ids)


@pytest.mark.slow
def test_a_dry_run_counts_and_changes_nothing(taken: Project) -> None:
    before = objects(taken)
    done = taken.stemma("takedown", "purge", NAME, "--dry-run", "--json")
    assert done.code == 0, done.said
    found = json.loads(done.out)
    places = {place for item in found["objects"] for place in item["places"]}
    assert {path for path in places if "/round=000/" in path} >= {
        "talk/samples/round=000/part-00000.parquet",
        "tiny/samples/round=000/part-00000.parquet",
    }
    assert any(path.startswith("tiny/models/") for path in places)
    assert objects(taken) == before
    words = taken.stemma("takedown", "purge", NAME, "--dry-run")
    assert "written again" in words.out
    assert f"searched {len(before):,} objects" in words.out


@pytest.mark.slow
def test_it_must_be_confirmed(taken: Project) -> None:
    before = objects(taken)
    done = taken.stemma("takedown", "purge", NAME)
    assert done.code == 2
    assert "--yes" in done.err
    assert objects(taken) == before
    unknown = taken.stemma("takedown", "purge", "nobody", "--yes")
    assert unknown.code != 0
    assert "no take-down called nobody" in unknown.err


@pytest.mark.slow
def test_old_versions_read_the_innocent_rows_alone(
    purged: Project, acted: Path, tmp_path: Path
) -> None:
    whole = copy(acted, tmp_path / "whole")
    versions = (("tiny-v0", "tiny"), ("tiny-v2", "tiny"), ("talk-v2", "talk"))
    try:
        with contextlib.chdir(whole.root):
            all_rows = [held(whole, *version) for version in versions]
    finally:
        whole.drop_lake()
    ids = purges.of_lake(purged.lake()).records[0].ids
    gone = [bytes.fromhex(one) for one in ids]
    assert len(gone) > 2 * TAKEN
    for version, before in zip(versions, all_rows, strict=True):
        kept = before.filter(~pl.col("sample_id").is_in(gone))
        assert len(kept) < len(before)
        assert held(purged, *version).equals(kept)


def test_nothing_of_it_is_left(purged: Project) -> None:
    done = purged.stemma("takedown", "verify", NAME, "--no-near", "--json")
    assert done.code == 0, done.said
    found = json.loads(done.out)
    assert found["clean"] is True
    assert not found["leftovers"]
    assert not found["unread"]
    assert found["searched"]["objects"] == len(objects(purged))


def test_an_object_that_was_purged_names_its_take_down(purged: Project) -> None:
    head = purged.lake().head(refs.MAIN)
    words = ("lake", "cat", "--json", "stemma/tiny-v0/tiny/samples/round=000/part-00000.parquet")
    said = purged.stemma(*words)
    assert f"is not what was written: the take-down {NAME} purged it" in said.err
    words = ("lake", "cat", f"stemma/{head}/tiny/rounds/000.json")
    assert NAME not in purged.stemma(*words).err


def test_before_a_purge_it_is_found(taken: Project) -> None:
    done = taken.stemma("takedown", "verify", NAME, "--no-near", "--json")
    assert done.code == 1
    places = {item["place"] for item in json.loads(done.out)["leftovers"]}
    assert any("tiny/samples/round=000/" in place for place in places)
    assert any("talk/samples/round=000/" in place for place in places)
    assert any("models/tiny/1/mix.parquet" in place for place in places)


@pytest.mark.slow
def test_a_planted_leftover_is_found(taken: Project) -> None:
    whole = held(taken, "tiny-v0", "tiny").filter(_named(taken)).head(1)
    pair = held(taken, "talk-v0", "talk").filter(_named(taken))["prompt", "completion"].row(0)
    assert taken.stemma("takedown", "purge", NAME, "--yes").code == 0
    lake = taken.lake()
    lake.set_branch("old", lake.resolve("tiny-v0").id)
    lake.write_bytes("old", "tiny/samples/round=000/part-00007.parquet", encode(whole))
    lake.commit("old", "plant", {})
    image = whole["image"][0]["bytes"]
    (taken.root / "models/tiny/1/pool.png").write_bytes(image)
    cached = taken.root / ".dvc/cache/files/md5/0a" / ("1b" * 15)  # as DVC calls what it keeps
    cached.parent.mkdir(parents=True)
    cached.write_bytes(encode(whole))
    with closing(sqlite3.connect(taken.root / ".stemma/answers.db")) as made:
        made.execute("CREATE TABLE answers (content TEXT)")
        made.execute("INSERT INTO answers VALUES (?)", (json.dumps({"asked": "\n".join(pair)}),))
        made.commit()
    done = taken.stemma("takedown", "verify", NAME, "--json")
    assert done.code == 1
    leftovers = json.loads(done.out)["leftovers"]
    found = {(Path(item["place"]).name, item["how"]) for item in leftovers if item["how"] != "near"}
    assert found == {
        *(("part-00007.parquet", "id"), ("pool.png", "id"), (cached.name, "id")),
        ("answers.db", "exact"),
    }
    assert taken.stemma("takedown", "purge", NAME, "--yes").code == 0
    assert not (taken.root / ".stemma/answers.db").exists()
    assert not cached.exists() or pl.read_parquet(cached).is_empty()
    assert taken.stemma("takedown", "verify", NAME, "--no-near").code == 0


@pytest.mark.slow
def test_everything_that_checks_digests_answers_by_the_tombstones(purged: Project) -> None:
    assert purged.stemma("lake", "fsck").code == 0
    proved = purged.stemma("audit", "--recompute", "tiny-v2", "--json", "--dataset", "tiny")
    assert proved.code == 0, proved.said
    checks = {item["check"]: item for item in json.loads(proved.out)["checks"]}
    reason = f"purged by the take-down {NAME}"
    for check in ("payload", "columns"):
        assert checks[check]["not_provable_because"][reason] > TAKEN
    sample = held(purged, "tiny-v2", "tiny").filter(pl.col("round") == 2)["sample_id"][0].hex()
    replayed = purged.stemma("audit", sample, "--replay")
    assert replayed.code == 4
    assert reason in replayed.err
    for ref in ("tiny-v2", "talk-v2", "main"):
        history = purged.stemma("audit", "--history", ref)
        assert history.code == 0, history.said
    assert purged.stemma("audit", "--recompute", "main").code == 0
    assert purged.stemma("diff", "tiny-v0", "tiny-v2", "--rows", "--json").code == 0
    record_of = purges.of_lake(purged.lake())
    assert not record_of.refused
    assert {item.takedown for item in record_of.records} == {NAME}


@pytest.mark.slow
def test_a_record_that_nobody_trusted_signed_explains_nothing(taken: Project) -> None:
    assert taken.stemma("takedown", "purge", NAME, "--yes").code == 0
    lake = taken.lake()
    path = f"{NAME}/001.dsse.json"
    envelope = json.loads(lake.read(refs.PURGED, path))
    envelope["signatures"][0]["sig"] = "AAAA" + envelope["signatures"][0]["sig"][4:]
    lake.write_bytes(refs.PURGED, path, json.dumps(envelope).encode())
    lake.commit(refs.PURGED, "alter", {})
    known = purges.of_lake(lake)
    assert not known.records
    assert "the signature does not fit" in known.refused[0]
    assert taken.stemma("audit", "--recompute", "tiny-v2", "--dataset", "tiny").code == 1


@pytest.mark.slow
def test_the_certificate_verifies_and_a_changed_byte_breaks_it(
    purged: Project, tmp_path: Path
) -> None:
    place = tmp_path / "certificate.json"
    made = purged.stemma("takedown", "certificate", NAME, "-o", str(place), "--json")
    assert made.code == 0, made.said
    verified = purged.stemma("takedown", "certificate", "verify", str(place), "--json")
    assert verified.code == 0, verified.said
    content = json.loads(verified.out)["certificate"]
    assert content["takedown"] == NAME
    assert len(content["asked"]["ids"]) == 2 * TAKEN
    (done,) = content["done"]["purges"]
    assert all(item["purged"]["sha256"] not in objects(purged) for item in done["objects"])
    assert any("backups" in item["what"] for item in content["remains"])
    data = bytearray(place.read_bytes())
    at = data.index(b'"payload": "') + 60
    data[at] = ord("A") if data[at] != ord("A") else ord("B")
    place.write_bytes(data)
    broken = purged.stemma("takedown", "certificate", "verify", str(place))
    assert broken.code != 0
    assert "changed after" in broken.err or "payload" in broken.err


@pytest.mark.slow
def test_a_repeated_purge_finds_nothing(purged: Project) -> None:
    done = purged.stemma("takedown", "purge", NAME, "--yes", "--json")
    assert done.code == 0, done.said
    found = json.loads(done.out)
    assert found["objects"] == []
    assert found["purged"]["objects"] == 0
    assert found["local"]["rewritten"] == []
