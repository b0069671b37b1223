"""The file of a segment: one Arrow IPC file, written once and mapped into memory.

`<directory>/<segment digest>/segment.arrow` holds each array as the only cell of a list column, so
that arrays of any length share a file that any Arrow reader can open. The schema's metadata hold
the segment's header, a SHA-256 of each array, and one of the header itself.

What is verified, and when:

- Whenever a segment is opened: the header against its digest, and that it is the header of this
  segment; and that the file is unchanged since its arrays were last verified, by inode, size,
  modification and change time, which `segment.seal` beside it records.
- The arrays, each against its digest: when the file differs from the seal (a byte was changed, the
  folder was copied), when it changed so shortly before the verification that its times cannot tell,
  and whenever a full verification is requested. Bits that flip on the disk without a change of the
  file's times are found by a full verification only.

A file that fails counts as absent and is built again. Files are written to a draft, flushed to disk
and renamed, so readers see all of a file or nothing; of two processes that build at once the last
one wins, with the same content. A writer locks its draft, so that the draft of a killed writer can
be recognised and removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lineage.errors import CacheError

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
"""Arrays by name: numbers [n], or bytes [n, width]."""

FILE: Final = "segment.arrow"
SEAL: Final = "segment.seal"
DRAFT: Final = ".draft"
NOTHING: Final = np.frombuffer(bytes(1), dtype=np.uint8)[:0]  # read-only, as a mapped file is
HEADER: Final = b"stemma.header"
CHECK: Final = b"stemma.check"
TICK: Final = 20_000_000
"""Nanoseconds within which a file may change twice without a new modification time."""
LARGE: Final = 1 << 23
"""Size in bytes from which waiting for a tick is cheaper than reading the file again."""
ABANDONED: Final = 10.0
"""Age in seconds from which a draft that nobody has locked is removed."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """The header and arrays of a segment's file, mapped into memory."""

    header: Mapping[str, Any]
    arrays: Arrays


def write(directory: Path, digest: str, header: Mapping[str, Any], arrays: Arrays) -> None:
    """Write the file of a segment atomically.

    Args:
        directory: the cache.
        digest: the segment's.
        header: anything that JSON can hold; `digest` and `arrays` are added.
        arrays: numbers [n] or bytes [n, width].

    Raises:
        CacheError: the directory cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415  only whoever opens an index needs it

    checks = {name: [_type(array), _sha256(array)] for name, array in arrays.items()}
    header_bytes = json.dumps({**header, "digest": digest, "arrays": checks}).encode()
    metadata = {HEADER: header_bytes, CHECK: hashlib.sha256(header_bytes).hexdigest().encode()}
    cells = {name: _cell(array) for name, array in arrays.items()}
    batch = pa.record_batch(cells).replace_schema_metadata(metadata)
    folder = directory / digest
    with atomic_write(folder / FILE) as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    if batch.nbytes > LARGE:
        time.sleep(TICK / 1e9)  # noqa: TID251  waits for the clock, not for a condition
    _seal(folder, time.time_ns())


def read(directory: Path, digest: str, *, full: bool) -> Stored | None:
    """Map the file of a segment into memory, after verifying it.

    Args:
        directory: the cache.
        digest: the segment's.
        full: verify all of it, whatever the seal says.

    Returns:
        None where there is no file, or what is there is not what was written.
    """
    folder = directory / digest
    started = time.time_ns()
    try:
        state = _state(folder)
        stored = _map(folder / FILE)
    except Exception:  # noqa: BLE001  whatever a damaged file makes its reader say
        return None
    if stored.header.get("digest") != digest:
        return None
    if full or not _sealed(folder, state):
        if not _intact(stored):
            return None
        if _state(folder) == state:
            _seal(folder, started)
    with suppress(OSError):
        os.utime(folder)  # when it was last used
    return stored


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces another one in a single step, once it is on disk.

    Yields:
        A draft beside `path`. It is flushed to disk and renamed to `path` when the block ends;
        readers and a machine that loses power see the old file or the new one, whole.

    Raises:
        CacheError: the directory cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned_drafts(path)
        draft = path.with_name(f"{path.name}{DRAFT}-{secrets.token_hex(8)}")
        with draft.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise CacheError(
            f"{path.parent} cannot be written ({error.strerror or error}); make room there, or "
            "keep the index in another directory"
        ) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a small file atomically.

    Raises:
        CacheError: the directory cannot be written.
    """
    with atomic_write(path) as file:
        file.write(content)


def _remove_abandoned_drafts(path: Path) -> None:
    """Remove the drafts of writers that no longer run."""
    for draft in path.parent.glob(f"{path.name}{DRAFT}-*"):
        with suppress(OSError), draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - draft.stat().st_mtime > ABANDONED:
                draft.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _map(path: Path) -> Stored:
    """Map a file whose header has its digest.

    Raises:
        Exception: it cannot be read, is no Arrow file, or has no header or a damaged one.
    """
    import pyarrow as pa  # noqa: PLC0415  only whoever opens an index needs it

    with pa.memory_map(str(path)) as mapped:
        batch = pa.ipc.open_file(mapped).get_batch(0)
    metadata = batch.schema.metadata or {}
    header_bytes = metadata[HEADER]
    if hashlib.sha256(header_bytes).hexdigest().encode() != metadata[CHECK]:
        raise ValueError("the header is damaged")
    header = json.loads(header_bytes)
    types = {name: type_ for name, (type_, _) in header["arrays"].items()}
    return Stored(header, {name: _array(batch.column(name), types[name]) for name in types})


def _cell(array: NDArray[Any]) -> Any:  # noqa: ANN401  pyarrow has no types
    """Wrap an array as the only cell of a list column, without a copy."""
    import pyarrow as pa  # noqa: PLC0415

    flat = np.ascontiguousarray(array)
    dtype = pa.binary(array.shape[1]) if array.ndim > 1 else pa.from_numpy_dtype(array.dtype)
    values = pa.Array.from_buffers(dtype, len(flat), [None, pa.py_buffer(flat)])
    ends = pa.py_buffer(np.array([0, len(flat)], dtype=np.int64))
    return pa.Array.from_buffers(pa.large_list(dtype), 1, [None, ends], children=[values])


def _array(column: Any, type_: str) -> NDArray[Any]:  # noqa: ANN401
    """View the only cell of a list column as an array, without a copy."""
    values, dtype = column.values, np.dtype(type_)
    size = len(values) * dtype.itemsize
    raw = np.frombuffer(values.buffers()[1], dtype=np.uint8, count=size) if size else NOTHING
    return raw.view(dtype.base).reshape(-1, *dtype.shape)


def _type(array: NDArray[Any]) -> str:
    """Name the dtype of an array's values: a number, or bytes of a fixed width."""
    return f"{array.shape[1]}u1" if array.ndim > 1 else array.dtype.str


def _intact(stored: Stored) -> bool:
    checks = stored.header["arrays"].items()
    return all(_sha256(stored.arrays[name]) == check for name, (_, check) in checks)


def _sha256(array: NDArray[Any]) -> str:
    flat = np.ascontiguousarray(array)
    return hashlib.sha256(flat.reshape(-1).view(np.uint8).data).hexdigest()


State: TypeAlias = tuple[int, ...]


def _state(folder: Path) -> State:
    status = (folder / FILE).stat()
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _seal(folder: Path, verified: int) -> None:
    """Record the state of the file at a time when its arrays were verified."""
    with suppress(OSError, CacheError):
        write_bytes(folder / SEAL, json.dumps([*_state(folder), verified]).encode())


def _sealed(folder: Path, state: State) -> bool:
    """Whether the file is as it was when its arrays were last verified."""
    try:
        *seen, verified = json.loads((folder / SEAL).read_bytes())
        return tuple(seen) == state and max(state[2:]) + TICK < verified
    except (OSError, ValueError, TypeError, RecursionError):
        return False
