"""A purge of ten images and ten texts with two generations below, from every version of a lake."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from lake.home import LakeHome
from lake.server.storage.objects import object_files
from lake.tables import encode
from lineage import record as lineage_record
from lineage.identity import sample_ids
from pipelines.rounds import ancestry_index, purges, tables
from pipelines.takedown import deny_list, occurrences, purge, record
from pipelines.takedown.record import ROW, TakedownRecord
from tests.flow import planted
from tests.flow.projects import HERE, Project, copy, tiny
from tests.shared import made_once

NAME = "letter-12"
TAKEN = 10
NOTES = [f"Note {number} of Erika Mustermann, Heidestraße {number * 7}." for number in range(16)]
MADE = [f"In other words, number {number} was written down at home." for number in range(8)]


@pytest.fixture(scope="module")
def generations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rounds of images below real ones, and two of texts, all by explicit parents."""

    def make(root: Path) -> None:
        project = tiny(root)
        shutil.copy2(HERE / "noisy.py", root / "noisy.py")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            project.edit(_noisy)
            project.all(2)
            project.run("report", "tiny-1")
            _plant_notes(project.lake())
            lake = project.lake()
            images = tables.read_round(lake, "main", "tiny", "samples", 0)["sample_id"]
            texts = tables.read_round(lake, "main", "notes", "samples", 0)["sample_id"]
            _take(lake, [*images.head(TAKEN), *texts.head(TAKEN)])
        project.stop_lake()

    return made_once(tmp_path_factory, "generations", make)


@pytest.fixture
def taken(generations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project from whose main they were taken, and nothing was purged; the current directory."""
    project = copy(generations, tmp_path / "project")
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()


@pytest.fixture(scope="module")
def _purged(generations: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = copy(generations, tmp_path_factory.mktemp("purged") / "project")
    done = project.stemma("takedown", "purge", NAME, "--yes", "--json")
    assert done.code == 0, done.said
    yield project
    project.drop_lake()


@pytest.fixture
def purged(_purged: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project after the purge, for tests that only read; the current directory."""
    monkeypatch.chdir(_purged.root)
    return _purged


def _noisy(content: dict[str, Any]) -> None:
    content["datasets"]["tiny"].update(fit={}, generate={"candidates": 24, "shard_rows": 12})
    for number in (1, 2):
        content["rounds"][f"tiny-{number}"]["generator"] = "noisy.py"


def _plant_notes(lake: Lake) -> None:
    real = _texts(0, NOTES)
    of_real = lineage_record.real(
        real.select(
            *("row", "sample_id"), pl.lit("letters").alias("source"), pl.lit("MIT").alias("licence")
        )
    )
    about = {"identity": ["text"], "modality": "text"}
    planted.publish(lake, "notes", 0, {"lineage": of_real, "samples": real}, content=about)
    for number, rows in ((1, MADE[:4]), (2, MADE[4:])):
        made = _texts(number, rows)
        parents = [(row, "notes", number - 1, row, "seed", 1.0) for row in range(4)]
        lineage = planted.derived(lake, "notes", number, made, parents)
        planted.publish(lake, "notes", number, {"lineage": lineage, "samples": made})


def _texts(number: int, rows: Sequence[str]) -> pl.DataFrame:
    frame = pl.DataFrame({"row": range(len(rows)), "text": rows})
    named = frame.with_columns(sample_ids(frame, ["text"]), round=pl.lit(number, pl.Int32))
    return named.select("round", "row", "sample_id", "text")


def _take(lake: Lake, ids: list[bytes]) -> None:
    """Record a take-down on main, as one that takes nothing from it itself."""
    head = lake.resolve(refs.MAIN).id
    index = ancestry_index.open_at(lake, head)
    names = tuple(sorted(one.hex() for one in ids))
    numbers = occurrences.numbers(index, names)
    nodes = index.nodes(numbers).select("dataset", "round", "row", "sample_id")
    rows = record.encoded_rows(nodes.with_columns(cause=pl.lit("named")).cast(ROW))
    entries = pl.concat(
        deny_list.entries_of(
            tables.read(lake, head, shape.dataset, "samples")
            .filter(pl.col("sample_id").is_in(ids))
            .collect(),
            *(shape.dataset, shape.modality, shape.identity),
        )
        for shape in purge.shapes_of(lake, head)
    )
    listed = deny_list.encoded(entries)
    made = TakedownRecord(
        name=NAME,
        who="tester",
        created=1,
        reason="asked for",
        ids=names,
        main=head,
        policies={},
        rounds=(),
        counts={"ids": len(names)},
        rows_digest=record.sha256(rows),
        entries_digest=record.sha256(listed),
    )
    lake.write_bytes(refs.MAIN, refs.takedown(NAME, record.FILE), record.encoded(made))
    lake.write_bytes(refs.MAIN, refs.takedown(NAME, record.ROWS), rows)
    lake.write_bytes(refs.MAIN, refs.takedown(NAME, deny_list.FILE), listed)
    lake.commit(refs.MAIN, "take down", {record.ENTRY: NAME})


def objects(project: Project) -> dict[str, bytes]:
    home = LakeHome(project.root / ".lake")
    return {name: path.read_bytes() for name, path in object_files(home.objects)}


def samples(project: Project, ref: str, dataset: str) -> pl.DataFrame:
    return tables.read(project.lake(), ref, dataset, "samples").collect().sort("round", "row")


def test_a_dry_run_counts_and_changes_nothing(taken: Project) -> None:
    before = objects(taken)
    done = taken.stemma("takedown", "purge", NAME, "--dry-run", "--json")
    assert done.code == 0, done.said
    found = json.loads(done.out)
    places = {place for item in found["objects"] for place in item["places"]}
    assert {path for path in places if "/round=000/" in path} >= {
        "notes/samples/round=000/part-00000.parquet",
        "tiny/samples/round=000/part-00000.parquet",
    }
    assert any(path.startswith("tiny/models/") for path in places)
    assert objects(taken) == before
    words = taken.stemma("takedown", "purge", NAME, "--dry-run")
    assert "written again" in words.out
    assert f"searched {len(before):,} objects" in words.out


def test_it_must_be_confirmed(taken: Project) -> None:
    before = objects(taken)
    done = taken.stemma("takedown", "purge", NAME)
    assert done.code == 2
    assert "--yes" in done.err
    assert objects(taken) == before
    unknown = taken.stemma("takedown", "purge", "nobody", "--yes")
    assert unknown.code != 0
    assert "no take-down called nobody" in unknown.err


def test_old_versions_read_the_innocent_rows_alone(
    purged: Project, generations: Path, tmp_path: Path
) -> None:
    whole = copy(generations, tmp_path / "whole")
    versions = (("tiny-v0", "tiny"), ("tiny-v2", "tiny"), ("notes-v2", "notes"))
    try:
        with contextlib.chdir(whole.root):
            held = [samples(whole, *version) for version in versions]
    finally:
        whole.drop_lake()
    ids = purges.of_lake(purged.lake()).records[0].ids
    gone = [bytes.fromhex(one) for one in ids]
    assert len(gone) > 2 * TAKEN
    for version, before in zip(versions, held, strict=True):
        kept = before.filter(~pl.col("sample_id").is_in(gone))
        assert len(kept) < len(before)
        assert samples(purged, *version).equals(kept)


def test_nothing_of_it_is_left(purged: Project) -> None:
    done = purged.stemma("takedown", "verify", NAME, "--no-near", "--json")
    assert done.code == 0, done.said
    found = json.loads(done.out)
    assert found["clean"] is True
    assert not found["leftovers"]
    assert not found["unread"]
    assert found["searched"]["objects"] == len(objects(purged))
    assert not any(text.encode() in data for data in objects(purged).values() for text in NOTES[:5])


def test_before_a_purge_it_is_found(taken: Project) -> None:
    done = taken.stemma("takedown", "verify", NAME, "--no-near", "--json")
    assert done.code == 1
    places = {item["place"] for item in json.loads(done.out)["leftovers"]}
    assert any("tiny/samples/round=000/" in place for place in places)
    assert any("notes/samples/round=000/" in place for place in places)
    assert any("models/tiny/1/mix.parquet" in place for place in places)


def test_a_planted_leftover_is_found(taken: Project) -> None:
    whole = samples(taken, "tiny-v0", "tiny").head(1)
    note = NOTES[0]
    assert taken.stemma("takedown", "purge", NAME, "--yes").code == 0
    lake = taken.lake()
    lake.set_branch("old", lake.resolve("tiny-v0").id)
    lake.write_bytes("old", "tiny/samples/round=000/part-00007.parquet", encode(whole))
    lake.commit("old", "plant", {})
    image = whole["image"][0]["bytes"]
    (taken.root / "models/tiny/1/pool.png").write_bytes(image)
    with closing(sqlite3.connect(taken.root / ".stemma/answers.db")) as made:
        made.execute("CREATE TABLE answers (content TEXT)")
        made.execute("INSERT INTO answers VALUES (?)", (json.dumps({"asked": note}),))
        made.commit()
    done = taken.stemma("takedown", "verify", NAME, "--json")
    assert done.code == 1
    leftovers = json.loads(done.out)["leftovers"]
    found = {(Path(item["place"]).name, item["how"]) for item in leftovers if item["how"] != "near"}
    assert found == {
        *(("part-00007.parquet", "id"), ("pool.png", "id")),
        ("answers.db", "exact"),
    }
    assert taken.stemma("takedown", "purge", NAME, "--yes").code == 0
    assert not (taken.root / ".stemma/answers.db").exists()
    assert taken.stemma("takedown", "verify", NAME, "--no-near").code == 0


def test_everything_that_checks_digests_answers_by_the_tombstones(purged: Project) -> None:
    assert purged.stemma("lake", "fsck").code == 0
    proved = purged.stemma("audit", "--recompute", "tiny-v2", "--json", "--dataset", "tiny")
    assert proved.code == 0, proved.said
    checks = {item["check"]: item for item in json.loads(proved.out)["checks"]}
    reason = f"purged by the take-down {NAME}"
    for check in ("payload", "columns"):
        assert checks[check]["not_provable_because"][reason] > TAKEN
    sample = samples(purged, "tiny-v2", "tiny").filter(pl.col("round") == 2)["sample_id"][0].hex()
    replayed = purged.stemma("audit", sample, "--replay")
    assert replayed.code == 1
    assert reason in replayed.err
    history = purged.stemma("audit", "--history", "tiny-v2")
    assert history.code == 0, history.said
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


def test_a_repeated_purge_finds_nothing(purged: Project) -> None:
    done = purged.stemma("takedown", "purge", NAME, "--yes", "--json")
    assert done.code == 0, done.said
    found = json.loads(done.out)
    assert found["objects"] == []
    assert found["purged"]["objects"] == 0
    assert found["local"]["rewritten"] == []
