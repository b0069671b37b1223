"""A purge of a lake that another server serves, through its public API alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake import blockstore, refs
from lake.errors import CorruptError
from lake.settings import ACCESS_KEY, ENDPOINT, SECRET_KEY
from lake.tables import encode
from pipelines.rounds import purges, tables
from pipelines.takedown import served_purge
from tests.flow.projects import Project, copy
from tests.lake.servers import Served, start

NAME = "letter"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A project whose lake is another server's: variables of lakeFS name it, and nothing else."""

    project: Project
    served: Served
    sample: str
    """The id that is taken down."""

    @property
    def store(self) -> str:
        """The folder under the server, as a person with rights to it names it."""
        return str(self.served.home / "objects")

    def json(self, *words: str, code: int) -> Any:
        """What a command prints as JSON."""
        done = self.project.stemma(*words, "--json")
        assert done.code == code, done.said
        return json.loads(done.out)

    def rows(self, ref: str) -> pl.DataFrame:
        return tables.read(self.project.lake(), ref, "tiny", "samples").collect()

    def stored(self, ref: str) -> pl.DataFrame:
        """Real samples as the server itself has them."""
        data = self.project.lake().read(ref, refs.part("tiny", "samples", 0), stored=True)
        return pl.read_parquet(data)


@pytest.fixture
def elsewhere(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Elsewhere]:
    """A sample is taken from main, two rounds are published, and a branch holds a copy."""
    project = copy(published, tmp_path / "project")
    monkeypatch.chdir(project.root)
    home = tmp_path / "server"
    (project.root / ".lake").rename(home)
    served = start(home)
    monkeypatch.setenv(ENDPOINT, served.remote.endpoint)
    monkeypatch.setenv(ACCESS_KEY, served.remote.access_key_id)
    monkeypatch.setenv(SECRET_KEY, served.remote.secret_access_key)
    lake = project.lake()
    frame = tables.read(lake, "main", "tiny", "lineage").collect()
    sample = str(frame.filter(frame["kind"] == "real")["sample_id"][3].hex())
    lake.set_branch("experiment", lake.resolve("tiny-v2").id)
    done = project.stemma("takedown", sample, "--reason", "asked", "--name", NAME)
    assert done.code == 0, done.said
    yield Elsewhere(project, served, sample)
    assert not (project.root / ".lake").exists(), "only the server is asked"
    served.kill()


@pytest.mark.parametrize(
    ("address", "imported"),
    [
        ("s3://bucket/stemma/data/one", False),
        ("s3://bucket/stemma-2/data/one", True),
        ("s3://bucket/photos/one.parquet", True),
        ("local:///srv/lake/objects/ab/cd", False),
    ],
)
def test_an_imported_object_is_a_file_of_somebody(address: str, imported: bool) -> None:
    assert served_purge.is_imported(address, "s3://bucket/stemma/") is imported


@pytest.mark.slow
def test_where_only_the_server_removes_bytes_the_rules_are_said(elsewhere: Elsewhere) -> None:
    before = elsewhere.rows("tiny-v0")
    dry = elsewhere.json("takedown", "purge", NAME, "--dry-run", code=0)
    samples = [
        item for item in dry["objects"] if any("samples/round=000" in p for p in item["places"])
    ]
    (part,) = samples
    assert part["innocent_rows"] == len(before) - part["found"] > 0
    assert "experiment of stemma" in part["state"]
    assert dry["innocent_rows"] == sum(item["innocent_rows"] for item in dry["objects"])
    done = elsewhere.json("takedown", "purge", NAME, "--yes", code=3)
    assert done["committed"]["experiment of stemma"] >= 1
    assert done["removed_underneath"]["objects"] == 0
    assert set(done["left"]) == {item["address"] for item in dry["objects"]}
    assert set(done["left"].values()) == {"waits for garbage collection"}
    rules = done["gc_rules"]["stemma"]
    days = {rule["branch_id"]: rule["retention_days"] for rule in rules["branches"]}
    assert days["main"] == days["experiment"] == 1
    gone = bytes.fromhex(elsewhere.sample)
    kept = before.filter(pl.col("sample_id") != gone)
    assert elsewhere.rows("experiment").filter(pl.col("round") == 0).equals(kept)
    assert elsewhere.rows("tiny-v0").equals(kept)
    assert elsewhere.stored("tiny-v0").equals(before), "its server still gives all of it"
    found = elsewhere.json("takedown", "verify", NAME, "--no-near", code=1)
    states = {item["state"] for item in found["leftovers"]}
    assert states == {"waits for garbage collection"}
    said = elsewhere.project.stemma("takedown", "verify", NAME, "--no-near").err
    assert "wait for garbage collection" in said
    assert elsewhere.project.stemma("audit", "--history", "main").code == 0


@pytest.mark.slow
def test_with_the_store_under_it_old_versions_lose_the_object(elsewhere: Elsewhere) -> None:
    before = elsewhere.rows("tiny-v2")
    main = elsewhere.rows("main")
    wrong = elsewhere.json(
        "takedown", "purge", NAME, "--yes", "--blockstore", str(elsewhere.project.root), code=3
    )
    assert wrong["removed_underneath"]["objects"] == 0
    assert all("name the store that the lake uses" in why for why in wrong["left"].values())
    done = elsewhere.json(
        "takedown", "purge", NAME, "--yes", "--blockstore", elsewhere.store, code=0
    )
    assert done["left"] == {}
    assert done["gc_rules"] == {}
    assert done["removed_underneath"]["objects"] == len(done["objects"]) > 0
    assert done["removed_underneath"]["innocent_rows"] > 0
    assert elsewhere.rows("main").equals(main)
    kept = before.filter(pl.col("sample_id") != bytes.fromhex(elsewhere.sample))
    assert elsewhere.rows("experiment").equals(kept)
    assert elsewhere.rows("tiny-v2").equals(kept), "Stemma reads the cleaned object in its place"
    with pytest.raises(CorruptError, match="refused to read tiny/samples/round=000"):
        elsewhere.stored("tiny-v2")
    audited = elsewhere.json("audit", "--recompute", "tiny-v2", code=0)
    reasons = [item["not_provable_because"] for item in audited["checks"]]
    assert any(f"purged by the take-down {NAME}" in each for each in reasons)
    found = elsewhere.json("takedown", "verify", NAME, "--no-near", code=0)
    assert found["gone"] == len(done["objects"])
    lakes = [elsewhere.project.lake(), elsewhere.project.lake(holdout=True)]
    for lake in lakes:
        ((path, record),) = purges.of_lake(lake).paths.items()
        assert path == f"{NAME}/001.dsse.json"
        assert {item.left for item in record.objects} == {""}
    assert elsewhere.project.stemma("audit", "--history", "main").code == 0
    made = elsewhere.json("takedown", "certificate", NAME, code=0)
    remains = [item["what"] for item in made["statement"]["predicate"]["remains"]]
    assert any("objects in old versions" in what for what in remains)


@pytest.mark.slow
def test_what_cannot_be_changed_from_here_is_said(elsewhere: Elsewhere) -> None:
    lake = elsewhere.project.lake()
    whole = elsewhere.rows("tiny-v0")
    lake.write_bytes("experiment", "tiny/samples/round=000/staged.parquet", encode(whole))
    lake.set_branch("draft", lake.resolve("main").id)
    lake.write_bytes("draft", "staged.parquet", encode(whole.select("sample_id", "image", "label")))
    done = elsewhere.json(
        "takedown", "purge", NAME, "--yes", "--blockstore", elsewhere.store, code=3
    )
    assert done["committed"].keys() >= {f"{refs.branch_name('tiny', 1)} of stemma"}
    assert not {"experiment of stemma", "draft of stemma"} & done["committed"].keys()
    for branch in ("experiment", "draft"):
        (why,) = {why for why in done["left"].values() if branch in why}
        assert "uncommitted" in why
    assert elsewhere.stored("tiny-v0").equals(whole), "what a branch holds is not removed under it"
    found = elsewhere.json("takedown", "verify", NAME, "--no-near", code=1)
    assert any(item["state"].startswith("held by experiment") for item in found["leftovers"])


@pytest.mark.slow
def test_a_purge_that_was_killed_says_so_and_goes_on(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("takedown", "purge", NAME, "--yes", "--blockstore", elsewhere.store)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(blockstore, "remove", killed)
        assert elsewhere.project.stemma(*words).code != 0
    (begun,) = purges.of_lake(elsewhere.project.lake()).records
    assert {item.left for item in begun.objects} == {served_purge.BEGUN}
    done = elsewhere.json(*words, code=0)
    assert done["committed"] == {}, "the branches hold the cleaned objects already"
    assert done["removed_underneath"]["objects"] == len(begun.objects)
    ((path, record),) = purges.of_lake(elsewhere.project.lake()).paths.items()
    assert path == f"{NAME}/001.dsse.json"
    assert {item.purged.sha256 for item in record.objects} == {
        item.purged.sha256 for item in begun.objects
    }
    assert {item.left for item in record.objects} == {""}
