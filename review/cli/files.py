"""Writes a long text, either to a file that appears when it is complete, or to standard output."""

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
            with _translated(path):
                out.write(data)
            size += len(data)
    return size


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        with _translated(path):
            sys.stdout.buffer.flush()
        return
    with _translated(path):
        replaceable = path.is_file() or not path.exists()
    if replaceable:
        with _replacing(path.resolve()) as out:
            yield out
    else:  # a device or a pipe
        with _translated(path), path.open("wb") as out:
            yield out


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a draft beside a file; it replaces the file when it is complete and on the disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with _translated(path):
        out = draft.open("wb")
    try:
        with out:
            yield out
            with _translated(path):
                out.flush()
                os.fsync(out.fileno())
        with _translated(path):
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has closed the pipe
        raise
    except OSError as error:
        name = path or "standard output"
        raise ReviewError(f"{name} cannot be written: {error.strerror}") from error
