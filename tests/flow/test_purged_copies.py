"""A lake after a purge, with attestations, that is backed up, restored and moved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lake import refs
from lake.client import Lake
from pipelines.rounds import purges, tables
from tests.flow.projects import Project
from tests.flow.test_migration import moving

NAME = "letter"


def purge(project: Project) -> str:
    """Attest a version, and take a real sample out of every version; return its id."""
    frame = tables.read(project.lake(), "main", "tiny", "lineage").collect()
    sample = str(frame.filter(frame["kind"] == "real")["sample_id"][3].hex())
    for words in (
        ("attest", "tiny-v2"),
        ("takedown", sample, "--reason", "asked", "--name", NAME, "--purge", "--yes"),
    ):
        done = project.stemma(*words)
        assert done.code == 0, done.said
    return sample


def answers(lake: Lake) -> dict[str, list[dict[str, object]]]:
    """The samples of every version, as a reader sees them."""
    return {
        ref: tables.read(lake, ref, "tiny", "samples").collect().sort("round", "row").to_dicts()
        for ref in ("tiny-v0", "tiny-v1", "tiny-v2", "main")
    }


@pytest.mark.slow
def test_a_backup_after_a_purge_is_restored_as_it_was(copied: Project, tmp_path: Path) -> None:
    before = tmp_path / "before"
    assert copied.stemma("lake", "backup", str(before)).code == 0
    purge(copied)
    seen, attested = answers(copied.lake()), copied.stemma("attest", "verify", "tiny-v2")
    backup = tmp_path / "backup"
    shutil.copytree(before, backup)
    for words in (("lake", "backup", str(backup)), ("lake", "fsck", "--home", str(backup))):
        done = copied.stemma(*words)
        assert done.code == 0, done.said
    names = [{path.name for path in place.rglob("*")} for place in (before, backup)]
    (record,) = purges.of_lake(copied.lake()).records
    purged = {item.purged.sha256[2:] for item in record.objects}
    assert purged <= names[0], "an older backup holds what it held"
    assert not purged & names[1], "one that is renewed loses it"
    copied.drop_lake()
    shutil.rmtree(copied.root / ".lake")
    restored = copied.stemma("lake", "restore", str(backup))
    assert restored.code == 0, restored.said
    assert answers(copied.lake()) == seen
    assert copied.stemma("attest", "verify", "tiny-v2").said == attested.said
    assert copied.lake().head(refs.ATTESTATIONS) is not None
    for words in (
        ("takedown", "verify", NAME, "--no-near"),
        ("audit", "--history", "main"),
        ("lake", "fsck"),
    ):
        done = copied.stemma(*words)
        assert done.code == 0, done.said


@pytest.mark.slow
def test_an_older_backup_brings_it_back_and_a_purge_takes_it_again(
    copied: Project, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    frame = tables.read(copied.lake(), "main", "tiny", "lineage").collect()
    sample = str(frame.filter(frame["kind"] == "real")["sample_id"][3].hex())
    taken = copied.stemma("takedown", sample, "--reason", "asked", "--name", NAME)
    assert taken.code == 0, taken.said
    assert copied.stemma("lake", "backup", str(before)).code == 0
    assert copied.stemma("takedown", "purge", NAME, "--yes").code == 0
    copied.drop_lake()
    shutil.rmtree(copied.root / ".lake")
    assert copied.stemma("lake", "restore", str(before)).code == 0
    assert copied.stemma("takedown", "verify", NAME, "--no-near").code == 1
    assert copied.stemma("takedown", "purge", NAME, "--yes").code == 0
    assert copied.stemma("takedown", "verify", NAME, "--no-near").code == 0
    assert [*purges.of_lake(copied.lake()).paths] == [f"{NAME}/001.dsse.json"]


@pytest.mark.slow
def test_a_lake_is_moved_after_a_purge(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moving(published, tmp_path) as found:
        sample = purge(found.project)
        seen = answers(found.project.lake())
        attested = found.project.stemma("attest", "verify", "tiny-v2")
        found.json("lake", "migrate")
        for name, value in found.env.items():
            monkeypatch.setenv(name, value)
        assert answers(found.project.lake()) == seen
        assert found.project.stemma("attest", "verify", "tiny-v2").said == attested.said
        (record,) = purges.of_lake(found.project.lake()).records
        assert bytes.fromhex(sample).hex() in record.ids
        history = found.json("audit", "--history", "main")
        assert (history["findings"], history["refs"], history["maps"]) == ([], [], [])
        verified = found.json("takedown", "verify", NAME, "--no-near")
        assert verified["clean"] is True
        assert verified["gone"] == 0
        again = found.json("takedown", "purge", NAME, "--yes")
        assert again["objects"] == []
        assert purges.of_lake(found.project.lake()).records == (record,)
        other = seen["tiny-v0"][0]["sample_id"]
        assert isinstance(other, bytes)
        words = ("takedown", other.hex(), "--reason", "asked", "--name", "second")
        done = found.project.stemma(*words)
        assert done.code == 0, done.said
        store = str(found.served.home / "objects")
        done = found.project.stemma("takedown", "purge", "second", "--yes", "--blockstore", store)
        assert done.code == 0, done.said
        left = {
            ref: [row for row in rows if row["sample_id"] != other] for ref, rows in seen.items()
        }
        assert answers(found.project.lake()) == left
        assert found.json("takedown", "verify", "second", "--no-near")["gone"] > 0
        assert found.json("audit", "--history", "main")["findings"] == []
        assert {one.takedown for one in purges.of_lake(found.project.lake()).records} == {
            *(NAME, "second")
        }
