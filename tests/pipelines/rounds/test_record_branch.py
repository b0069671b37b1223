"""Signed records on a branch: one that no trusted merge brought as it is says why it counts not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lake.client import Lake, connect
from lake.settings import Embedded
from pipelines.common.errors import DataError
from pipelines.rounds import attestation, merged_files, record_branch, trust
from pipelines.rounds.merged_files import File
from pipelines.rounds.record_branch import RecordBranch
from tests.lake.servers import start

PARSED: list[str] = []


def parse(data: bytes, path: str) -> int:
    PARSED.append(path)
    if not data.isdigit():
        raise DataError(f"{path} is no number")
    return int(data)


NUMBERS = RecordBranch("numbers", "stemma.n.record", "stemma.n.path", max_bytes=9, parse=parse)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A repository; the current directory is a project that trusts nobody yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    served = start(tmp_path / "home")
    lake = connect(Embedded(served.home), "numbers")
    lake.ensure("local://numbers")
    yield lake
    served.stop()


def forge(
    lake: Lake, path: str, data: bytes, *, named: str | None = None, seal: bool = True
) -> str:
    """Merge a record as `keep` does, but named, or left unsigned, otherwise; return the merge."""
    digest = hashlib.sha256(data).hexdigest()
    entries = {NUMBERS.record: digest, NUMBERS.path: path if named is None else named}
    sealed = attestation.seal(lake, entries) if seal else entries
    return merged_files.merge(lake, NUMBERS.name, {path: File(data)}, "Forge", sealed).id


def test_a_merge_that_is_repeated_gives_no_record_the_last_word(lake: Lake) -> None:
    first, _ = (record_branch.keep(lake, NUMBERS, f"a/{n}", b"%d" % n, "m") for n in (1, 2))
    merged_files.merge(lake, NUMBERS.name, {"b": File(b"b")}, "m", lake.resolve(first.id).metadata)
    assert [
        kept.record for kept in record_branch.gathered(record_branch.read(lake, NUMBERS)).kept
    ] == [1, 2]


def test_each_counts_as_its_merge_brought_it_and_is_read_once(lake: Lake) -> None:
    assert record_branch.gathered(record_branch.read(lake, NUMBERS)).kept == ()
    with ThreadPoolExecutor(3) as pool:
        list(
            pool.map(
                lambda n: record_branch.keep(lake, NUMBERS, f"a/{n}", b"%d" % n, "m"), range(3)
            )
        )
    record_branch.keep(lake, NUMBERS, "b/3", b"3", "m")
    merged_files.merge(lake, NUMBERS.name, {"b/3": File(b"4")}, "m", {}, removed=["a/0"])
    PARSED.clear()
    found = record_branch.gathered(record_branch.read(lake, NUMBERS))
    assert sorted(kept.record for kept in found.kept[:3]) == [0, 1, 2]
    assert (found.kept[3].record, found.kept[3].path, found.refused) == (3, "b/3", ())
    (signer,) = {kept.signer for kept in found.kept}
    assert trust.FOLDER.joinpath(f"{signer}.pem").exists()
    assert list(record_branch.read(lake, NUMBERS, "b/")) == [found.kept[3]]
    assert len(PARSED) == 4


def test_what_does_not_count_says_why_and_counts_once_its_key_is_trusted(lake: Lake) -> None:
    record_branch.keep(lake, NUMBERS, "a/1", b"1", "m")
    forge(lake, "a/2", b"2", seal=False)
    absent = forge(lake, "a/3", b"3", named="a/4")
    outside = forge(lake, "a/5", b"5", named="../5")
    forge(lake, "a/6", b"x")
    large = forge(lake, "a/7", b"1234567890")
    forge(lake, "a/8", b"8", named="a/1")
    found = record_branch.gathered(record_branch.read(lake, NUMBERS))
    assert [kept.record for kept in found.kept] == [1]
    unsigned, *failed, other = found.refused
    assert unsigned == "a/2 on numbers is not signed"
    for merge, said in zip((absent, outside, None, large), failed, strict=True):
        assert said.startswith("a/6 is no" if merge is None else f"the merge {merge[:12]} on numb")
    assert other == "a/1 on numbers is not the record that its merge names"
    (key,) = trust.FOLDER.glob("*.pem")
    own = key.rename("own.pem")
    anybody = record_branch.gathered(record_branch.read(lake, NUMBERS))
    assert [(kept.record, kept.signer) for kept in anybody.kept] == [(1, None), (2, None)]
    own.rename(key)
    assert record_branch.gathered(record_branch.read(lake, NUMBERS)) == found
