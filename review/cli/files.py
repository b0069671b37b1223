"""Where a long text goes: a file that is whole or not there, or standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from review.errors import ReviewError


def write(place: Path | None, chunks: Iterable[str]) -> int:
    """Write a text in pieces, as UTF-8.

    Args:
        place: a file, which keeps its content until the text is whole; None: standard output.
        chunks: the pieces.

    Returns:
        The number of bytes.

    Raises:
        ReviewError: it cannot be written.
    """
    size = 0
    with _opened(place) as out:
        for chunk in chunks:
            data = chunk.encode()
            with _translated(place):
                out.write(data)
            size += len(data)
    return size


@contextmanager
def _opened(place: Path | None) -> Iterator[IO[bytes]]:
    if place is None:
        yield sys.stdout.buffer
        with _translated(place):
            sys.stdout.buffer.flush()
        return
    with _translated(place):
        replaceable = place.is_file() or not place.exists()
    if replaceable:
        with _replacing(place.resolve()) as out:
            yield out
    else:  # a device or a pipe
        with _translated(place), place.open("wb") as out:
            yield out


@contextmanager
def _replacing(place: Path) -> Iterator[IO[bytes]]:
    """Open a draft beside a file; it takes the file's place when it is whole and on the disk."""
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    with _translated(place):
        out = draft.open("wb")
    try:
        with out:
            yield out
            with _translated(place):
                out.flush()
                os.fsync(out.fileno())
        with _translated(place):
            draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _translated(place: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # who read it has seen enough
        raise
    except OSError as error:
        name = place or "standard output"
        raise ReviewError(f"{name} cannot be written: {error.strerror}") from error
