"""A calibration counts if a signed merge brought it as it is; any other file is named, not used."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from lake import refs
from lake.client import Lake, connect
from lake.settings import Embedded
from lake.values import Commit
from pipelines.gate import history_audit
from pipelines.gate.calibration_merges import of_calibration
from pipelines.gate.merges import Merge
from pipelines.rounds import attestation, trust
from pipelines.rounds.trust import FOLDER
from pipelines.verification.calibrations import merges, store, tallies
from pipelines.verification.calibrations.merges import Stored
from pipelines.verification.calibrations.records import Record
from tests.flow.lab import key_pair, sealed
from tests.lake.servers import Served, start
from tests.pipelines.verification.test_calibrations import JUDGED, TRUTH, record

NUMBERS = itertools.count(1)
KEPT = tallies.kept(JUDGED).filter(pl.col(tallies.EXPECTATION).is_null())
ROWS = TRUTH.join(KEPT.select(*tallies.KEY, "kept"), on=tallies.KEY).with_columns(
    pl.col("row").cast(pl.String).cast(pl.Binary).alias("sample_id"),
    pl.when("right").then(pl.lit("right")).otherwise(pl.lit("wrong")).alias("truth"),
    pl.lit("").alias("note"),
)
"""The audited rows of `record()`."""
Change = Callable[[str], object]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("lake") / "home")
    yield served
    served.stop()


@pytest.fixture
def lake(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A new repository; the current directory is a project that trusts nobody yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    name = f"calibrated-{next(NUMBERS)}"
    lake = connect(Embedded(server.home), name)
    lake.ensure(f"local://{name}")
    return lake


@pytest.fixture
def good(lake: Lake) -> Stored:
    """The calibration that an audit stored; its key is trusted."""
    return store.keep(lake, record(), ROWS)


def better() -> Record:
    """A record of a verifier that keeps no wrong row."""
    content = record().model_dump(mode="json")
    for tally in (content["suite"]["tally"], *content["suite"]["kinds"].values()):
        tally["wrong_kept"] = 0
    return Record.model_validate(content)


def second(good: Stored) -> str:
    return good.path.replace("-001", "-002")


def written(lake: Lake, path: str, made: Record) -> Change:
    """Write a record and its rows on a branch."""

    def change(branch: str) -> None:
        lake.write_bytes(branch, path, made.model_dump_json().encode())
        lake.write(branch, merges.rows_path(path), ROWS)

    return change


def merged(lake: Lake, change: Change, entries: dict[str, str]) -> Commit:
    """Merge a change into main by hand."""
    lake.set_branch("by-hand", lake.resolve(refs.MAIN).id)
    change("by-hand")
    made = lake.commit("by-hand", "Calibrate", entries)
    return lake.merge(made.id, refs.MAIN, "Calibrate", entries)


def committed(lake: Lake, change: Change) -> None:
    change(refs.MAIN)
    lake.commit(refs.MAIN, "by hand", {})


def wrong(lake: Lake, commit: Commit) -> str | None:
    """What an audit of the history says of a merge."""
    return of_calibration(
        Merge(lake, commit, history_audit._changes(lake, commit)), trust.load(lake)
    )


def counts(lake: Lake) -> tuple[list[str], int, int]:
    found = merges.all_of(lake, "tiny")
    return [stored.path for stored in found.counting], found.unsigned, found.unreadable


def test_what_an_audit_stored_counts_and_is_named(lake: Lake, good: Stored) -> None:
    (found,) = merges.all_of(lake, "tiny").counting
    assert found == good
    assert found.digest == merges.sha256(lake.read("main", good.path))
    assert [path.stem for path in FOLDER.glob("*.pem")] == [found.signer]
    assert wrong(lake, lake.resolve("main")) is None
    assert store.keep(lake, record(), ROWS) == good
    assert store.keep(lake, record(), ROWS.reverse()) == good


@pytest.mark.parametrize("column", ["right", "truth", "note"])
def test_other_answers_of_the_same_counts_are_stored(lake: Lake, good: Stored, column: str) -> None:
    swapped = {0: 3, 3: 0}
    by_row = dict(ROWS.select("row", column).iter_rows())
    values = [by_row[swapped.get(row, row)] for row in ROWS["row"]]
    edited = ROWS.with_columns(pl.Series(column, values))
    if column == "note":
        edited = ROWS.with_columns(note=pl.when(pl.col("row") == 0).then(pl.lit("dark")))
    newer = store.keep(lake, record(), edited)
    assert newer.path == second(good)
    assert counts(lake) == ([newer.path, good.path], 0, 0)
    assert store.keep(lake, record(), edited) == newer


@pytest.mark.parametrize("content", [b"{}", b"", b"\xff", b'{"version": "stemma-calibration/2"}'])
def test_a_file_that_is_no_record_is_counted_and_raises_nothing(
    lake: Lake, good: Stored, content: bytes
) -> None:
    committed(lake, lambda branch: lake.write_bytes(branch, second(good), content))
    assert counts(lake) == ([good.path], 0, 1)


def test_a_record_by_hand_does_not_count(lake: Lake, good: Stored) -> None:
    committed(lake, written(lake, second(good), better()))
    assert counts(lake) == ([good.path], 1, 0)


def test_a_merge_by_hand_does_not_count_and_is_named(lake: Lake, good: Stored) -> None:
    metadata = dict(lake.resolve("main").metadata)
    bare = merged(lake, written(lake, second(good), better()), {})
    assert wrong(lake, bare) == "it brings a calibration that no audit stored"
    third = good.path.replace("-001", "-003")
    copied = merged(lake, written(lake, third, better()), metadata)
    assert wrong(lake, copied) == f"it brings the calibration {good.path}, and adds {third}"
    assert counts(lake) == ([good.path], 2, 0)


def test_the_digests_of_another_record_are_named(lake: Lake, good: Stored) -> None:
    metadata = dict(lake.resolve("main").metadata)
    path, data = second(good), better().model_dump_json().encode()
    forged = metadata | {merges.PATH: path, merges.RECORD: merges.sha256(data)}
    unsigned = merged(lake, written(lake, path, better()), forged)
    said = "the merge of a calibration is not signed by a key that is trusted"
    assert wrong(lake, unsigned) == said
    signed = attestation.seal(lake, forged | {merges.PATH: path.replace("2.json", "3.json")})
    change = written(lake, path.replace("2.json", "3.json"), record())
    assert "is not the record that its merge names" in str(
        wrong(lake, merged(lake, change, signed))
    )
    assert counts(lake) == ([good.path], 2, 0)


def test_what_main_loses_still_counts(lake: Lake, good: Stored) -> None:
    committed(lake, written(lake, good.path, better()))
    assert counts(lake) == ([good.path], 1, 0)
    assert merges.all_of(lake, "tiny").counting[0].record == record()
    committed(lake, lambda branch: lake.delete(branch, [good.path]))
    assert counts(lake) == ([good.path], 0, 0)


def test_an_older_merge_that_is_repeated_is_no_newer(lake: Lake, good: Stored) -> None:
    metadata = dict(lake.resolve("main").metadata)
    newer = store.keep(lake, better(), ROWS)
    lake.merge(lake.resolve("main").parents[1], "main", "again", metadata)
    merged(lake, lambda branch: lake.write_bytes(branch, "tiny/note", b"x"), metadata)
    assert counts(lake) == ([newer.path, good.path], 0, 0)


def test_a_key_that_is_not_trusted_signs_nothing(lake: Lake, good: Stored, tmp_path: Path) -> None:
    theirs = key_pair(tmp_path / "theirs")
    path, data = second(good), better().model_dump_json().encode()
    entries = dict(lake.resolve("main").metadata) | {
        merges.PATH: path,
        merges.RECORD: merges.sha256(data),
    }
    merged(lake, written(lake, path, better()), sealed(lake, entries, theirs))
    assert counts(lake) == ([good.path], 1, 0)
    shutil.copy(theirs.with_suffix(".pub"), FOLDER / "theirs.pem")
    assert counts(lake) == ([path, good.path], 0, 0)


def test_without_keys_the_digests_count(lake: Lake, good: Stored) -> None:
    shutil.rmtree(FOLDER)
    assert counts(lake) == ([good.path], 0, 0)
    assert merges.all_of(lake, "tiny").counting[0].signer is None
    metadata = dict(lake.resolve("main").metadata)
    merged(lake, written(lake, good.path, better()), metadata)
    assert counts(lake) == ([good.path], 1, 0)


def test_a_calibration_from_before_signing_began_counts(lake: Lake) -> None:
    path = refs.calibration("tiny", record().suite_digest) + "planted-001.json"
    entries = {"stemma.stage": "calibrate", "stemma.dataset": "tiny", "stemma.round": "1"}
    entries |= {"stemma.suite": record().suite_digest, "stemma.format": "2"}
    before = merged(lake, written(lake, path, record()), entries)
    assert counts(lake) == ([path], 0, 0)
    stored = store.keep(lake, better(), ROWS)  # signing begins
    assert counts(lake) == ([stored.path, path], 0, 0)
    assert wrong(lake, before) is None
    after = merged(lake, written(lake, path.replace("1.json", "3.json"), better()), entries)
    assert counts(lake) == ([stored.path, path], 1, 0)
    assert wrong(lake, after) == "it names no digest of the calibration that it brings"


def test_a_record_that_its_rows_contradict_is_named(lake: Lake) -> None:
    stored = store.keep(lake, better(), ROWS)
    found = wrong(lake, lake.resolve("main"))
    assert found == f"{stored.path} counts other rows than {merges.rows_path(stored.path)} holds"


def test_a_merge_that_brings_more_or_less_is_named(lake: Lake, good: Stored) -> None:
    path, data = second(good), record().model_dump_json().encode()
    entries = dict(lake.resolve("main").metadata) | {
        merges.PATH: path,
        merges.RECORD: merges.sha256(data),
    }
    entries = attestation.seal(lake, entries)
    alone = merged(lake, lambda branch: lake.write_bytes(branch, path, data), entries)
    assert wrong(lake, alone) == (f"it brings a calibration without {merges.rows_path(path)}")
    of_another = attestation.seal(lake, entries | {"stemma.round": "2"})
    change = written(lake, path, record())
    committed(lake, lambda branch: lake.delete(branch, [path]))
    assert wrong(lake, merged(lake, change, of_another)) == (
        "it brings a calibration of round 1 of tiny, and names another"
    )
