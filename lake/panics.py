"""Keeps what Polars prints of a panic away from people, who get a sentence about the file instead.

Polars panics on some damaged Parquet files. Python sees an exception, but Rust has by then written
lines about its own source to the process's standard error, whatever thread it was in, and no
setting of Polars stops that. So the file descriptor leads into a temporary file for the time of a
read, and everything but these lines is written to where it was meant for afterwards.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

STDERR: Final = 2
"""File descriptor of standard error."""
PANIC: Final = re.compile(rb"\n?thread '[^\n]*' (?:\(\d+\) )?panicked at [^\n]*\n(?:[^\n]+\n?)*")
"""What Rust writes of one panic: up to an empty line."""
_LOCK: Final = threading.RLock()


@contextmanager
def unsaid() -> Iterator[None]:
    """Drop what Rust writes of panics in the block; what else is written comes after it."""
    with _LOCK:
        try:
            saved = os.dup(STDERR)
        except OSError:  # there is no standard error
            yield
            return
        try:
            with tempfile.TemporaryFile() as kept:
                yield from _kept(kept, saved)
        finally:
            os.close(saved)


def _kept(kept: BinaryIO, saved: int) -> Iterator[None]:
    """Let standard error lead into a file, then write what it holds, without panics."""
    _flush()
    os.dup2(kept.fileno(), STDERR)
    try:
        yield
    finally:
        _flush()
        os.dup2(saved, STDERR)
        kept.seek(0)
        said = PANIC.sub(b"", kept.read())
        while said:
            said = said[os.write(STDERR, said) :]


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()
