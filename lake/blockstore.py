"""The store under a lakeFS server: a folder or a bucket, with objects at their physical addresses.

lakeFS has no call that removes the bytes of a committed object; only its garbage collection does.
Whoever may write to the store can remove them underneath: every version that holds the object then
answers 410 for it (https://docs.lakefs.io/howto/garbage-collection/gc.html).
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any, Final, Protocol

from lake import files
from lake.errors import CorruptError, InvalidError, LakeError, MisconfiguredError, NotFoundError

BUCKET: Final = "s3://"
"""How the address of a bucket begins."""


class Blockstore(Protocol):
    """A store, of which objects are read and removed by their physical addresses."""

    def read(self, address: str) -> bytes:
        """The bytes at an address.

        Raises:
            InvalidError: it is not in this store.
            NotFoundError: nothing is there.
            LakeError: the store refuses, or does not answer.
        """

    def remove(self, address: str) -> None:
        """Remove what is at an address; errors as `read`."""


class Folder:
    """A folder, as of lakeFS's local store."""

    def __init__(self, root: Path) -> None:
        """Take the folder that `local://` stands for, or one that holds all addresses."""
        self._root = root.resolve()

    def read(self, address: str) -> bytes:
        """As `Blockstore.read`."""
        path = self._path(address)
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise _nothing(address) from error
        except OSError as error:
            raise LakeError(f"{path} cannot be read: {error.strerror}") from error

    def remove(self, address: str) -> None:
        """As `Blockstore.remove`."""
        path = self._path(address)
        try:
            path.unlink()
        except FileNotFoundError as error:
            raise _nothing(address) from error
        except OSError as error:
            raise LakeError(f"{path} cannot be removed: {error.strerror}") from error

    def _path(self, address: str) -> Path:
        """The file at an address: an absolute path in the folder, or one that is relative to it."""
        named = Path(address.removeprefix(files.SCHEME))
        path = self._root / named
        inside = path.parent.resolve().is_relative_to(self._root) and path != self._root
        if not address.startswith(files.SCHEME) or not inside or path.is_symlink():
            raise _outside(address, str(self._root))
        return path


class Bucket:
    """A bucket of S3 or of what speaks its API, or a part of one below a prefix."""

    def __init__(self, place: str) -> None:
        """Take `s3://BUCKET`, or a prefix in it; keys are found as AWS's own clients find them.

        Raises:
            MisconfiguredError: the package s3fs is not installed, or there is no bucket's name.
        """
        if importlib.util.find_spec("s3fs") is None:
            raise MisconfiguredError(
                "a bucket needs the package s3fs, which is not installed; run `pip install "
                "'stemma[remote]'`"
            )
        self._place = f"{place.rstrip('/')}/"
        if self._place == f"{BUCKET.rstrip('/')}/":
            raise MisconfiguredError(f"{place} names no bucket: write s3://BUCKET")
        import fsspec  # noqa: PLC0415  few commands need it

        self._system: Any = fsspec.filesystem("s3", use_listings_cache=False)

    def read(self, address: str) -> bytes:
        """As `Blockstore.read`."""
        return bytes(self._call(self._system.cat_file, address))

    def remove(self, address: str) -> None:
        """As `Blockstore.remove`."""
        self._call(self._system.rm_file, address)

    def _call(self, method: Any, address: str) -> Any:  # noqa: ANN401  fsspec has no types
        if not address.startswith(self._place):
            raise _outside(address, self._place)
        try:
            return method(address)
        except FileNotFoundError as error:
            raise _nothing(address) from error
        except Exception as error:  # clients of services fail in any way
            raise LakeError(f"the store {self._place} refuses {address}: {error}") from error


def open_store(place: str) -> Blockstore:
    """Open a store that somebody names.

    Args:
        place: a folder, or `s3://BUCKET`, which may end with a prefix.

    Raises:
        MisconfiguredError: it is neither, or the folder is not there.
    """
    if place.startswith(BUCKET):
        return Bucket(place)
    if "://" in place:
        raise MisconfiguredError(
            f"{place} cannot be written from here: name a folder, or a bucket as s3://BUCKET"
        )
    root = Path(place)
    if not root.is_dir():
        raise MisconfiguredError(f"{place} is no folder: name the one that the lake's store is in")
    return Folder(root)


def remove(store: Blockstore, address: str, md5: str) -> None:
    """Remove an object from a store, once its bytes are those that are meant.

    Args:
        store: the store.
        address: the object's physical address.
        md5: of the bytes that the lake gives for it.

    Raises:
        CorruptError: other bytes are there.
        InvalidError: the address is not in this store.
        NotFoundError: nothing is there.
        LakeError: the store refuses, or does not answer.
    """
    if hashlib.md5(store.read(address), usedforsecurity=False).hexdigest() != md5:
        raise CorruptError(
            f"{address} holds other bytes than the lake gives: name the store that the lake uses"
        )
    store.remove(address)


def _outside(address: str, place: str) -> InvalidError:
    return InvalidError(f"{address} is not in {place}: name the store that the lake uses")


def _nothing(address: str) -> NotFoundError:
    return NotFoundError(f"nothing is at {address}: name the store that the lake uses")
