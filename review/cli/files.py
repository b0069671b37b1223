"""Writes files that appear when they are complete, and long texts to them or standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from review.errors import ReviewError


def write(path: Path | None, chunks: Iterable[str]) -> int:
    """Write a text in pieces, as UTF-8.

    Args:
        path: a file, which keeps its content until the text is complete; None: standard output.
        chunks: pieces of the text, in order.

    Returns:
        The number of bytes written.

    Raises:
        ReviewError: the file or the output cannot be written.
    """
    size = 0
    with _opened(path) as out:
        for chunk in chunks:
            data = chunk.encode()
            with translated(path):
                out.write(data)
            size += len(data)
    return size


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        with translated(path):
            sys.stdout.buffer.flush()
        return
    with translated(path):
        replaceable = path.is_file() or not path.exists()
    if replaceable:
        with replacing(path) as out:
            yield out
    else:  # a device or a pipe
        with translated(path), path.open("wb") as out:
            yield out


def check_free(path: Path, *, force: bool) -> None:
    """Refuse to write where something is already.

    Args:
        path: the file.
        force: replace a file that is there.

    Raises:
        ReviewError: a file is there, or something that is no file.
    """
    with translated(path):
        there, replaceable = path.is_symlink() or path.exists(), path.is_file()
    if there and not replaceable:
        raise ReviewError(f"{path} is no file; name another one")
    if there and not force:
        raise ReviewError(f"{path} is there already; name another file, or replace it with --force")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a draft beside a file; it replaces the file when it is complete and on the disk.

    Raises:
        ReviewError: the file cannot be written.
    """
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with translated(path):
        out = draft.open("wb")
    try:
        with out:
            yield out
            with translated(path):
                out.flush()
                os.fsync(out.fileno())
        with translated(path):
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Turn what the system says about a file, or None: standard output, into an error.

    Raises:
        ReviewError: the system refused something.
    """
    try:
        yield
    except BrokenPipeError:  # the reader has closed the pipe
        raise
    except OSError as error:
        name = path or "standard output"
        raise ReviewError(f"{name} cannot be written: {error.strerror}") from error
