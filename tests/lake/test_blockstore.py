"""Objects are removed from the store under a lake, and nothing else is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lake import blockstore
from lake.errors import CorruptError, InvalidError, MisconfiguredError, NotFoundError

DATA = b"to be removed"
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with an object as lakeFS's local store keeps it, and a file outside of it."""
    (tmp_path / "store/repo/data").mkdir(parents=True)
    (tmp_path / "store/repo/data/one").write_bytes(DATA)
    (tmp_path / "outside").write_bytes(DATA)
    (tmp_path / "store/link").symlink_to(tmp_path / "outside")
    (tmp_path / "store/folder").symlink_to(tmp_path)
    return tmp_path / "store"


@pytest.mark.parametrize("prefix", ["local://", "local://{place}/"])
def test_an_object_is_removed_by_either_form_of_its_address(place: Path, prefix: str) -> None:
    address = f"{prefix.format(place=place)}repo/data/one"
    store = blockstore.open_store(str(place))
    with pytest.raises(CorruptError, match="holds other bytes than the lake gives"):
        blockstore.remove(store, address, "0" * 32)
    assert store.read(address) == DATA
    blockstore.remove(store, address, MD5)
    with pytest.raises(NotFoundError, match="nothing is at"):
        blockstore.remove(store, address, MD5)


@pytest.mark.parametrize(
    "address",
    ["local://../outside", "local://{place}/../outside", "local://link", "local://folder/outside",
     "local://",
     "s3://bucket/one", "local:///etc/passwd"],
)  # fmt: skip
def test_nothing_outside_of_the_store_is_touched(place: Path, address: str) -> None:
    store = blockstore.open_store(str(place))
    with pytest.raises(InvalidError, match="name the store that the lake uses"):
        blockstore.remove(store, address.format(place=place), MD5)
    assert (place.parent / "outside").read_bytes() == DATA


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("nowhere", "is no folder"),
        ("gs://bucket", "name a folder, or a bucket as s3://BUCKET"),
        ("s3://", "names no bucket"),
    ],
)
def test_a_place_that_is_no_store_is_refused(named: str, said: str) -> None:
    with pytest.raises(MisconfiguredError, match=said):
        blockstore.open_store(named)
