"""Keeps what Polars prints of a panic away from people, who get a sentence about the file instead.

Polars panics on some damaged Parquet files. Python sees an exception, but Rust has by then written
lines about its own source to the process's standard error, whatever thread it was in. Neither
Polars nor Rust has a setting that stops that, and nothing in Python reaches Rust's hook. So the
file descriptor leads into a temporary file for the time of a read, and everything but these lines
is written to where it was meant for afterwards.

A file descriptor belongs to the whole process. Other threads would have their lines held back, and
a program that one of them starts would keep the file as its standard error for good. So this is
done only where the reading thread is the only one of Python, as in most commands. In a server, or
beside a pool, the lines of a panic are in the log: that is ugly, and the rest would be lost. What
Rust says when it ends the process (no memory) is not seen where the file is in place.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

STDERR: Final = 2
"""File descriptor of standard error."""
ROOM: Final = 1 << 16
"""Bytes that the file must have room for; on a full disk it would lose what others write."""
PANIC: Final = re.compile(
    rb"\nthread '[^\n]*' (?:\(\d+\) )?panicked at [^\n]*\n[^\n]*\n"
    rb"(?: +(?:left|right): [^\n]*\n)*"
    rb"(?:stack backtrace:\n(?: +(?:\d+: |at |\[)[^\n]*\n)*)?"
    rb"(?:note: [^\n]*`RUST_BACKTRACE=[^\n]*\n)?"
)
"""What Rust writes of one panic: an empty line, where it was, one line of message with the values
that an assertion compared, the stack if it is asked for, and the note on how to ask for it."""


@contextmanager
def unsaid() -> Iterator[None]:
    """Drop what Rust writes of panics in the block; what else is written comes after it.

    Nothing is dropped beside other threads, or where no file can be made.
    """
    with ExitStack() as stack:
        if threading.active_count() == 1:
            with suppress(OSError):  # no standard error, no temporary folder, or no room in it
                _lead(stack)
        yield


def _lead(stack: ExitStack) -> None:
    """Let standard error lead into a file until the stack ends."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  the stack closes it
    kept = stack.enter_context(file).fileno()
    os.posix_fallocate(kept, 0, ROOM)
    saved = os.dup(STDERR)
    stack.callback(os.close, saved)
    _flush()
    stack.callback(_restore, kept, saved)
    os.dup2(kept, STDERR)


def _restore(kept: int, saved: int) -> None:
    """Let standard error lead where it did, and write what was kept, without panics."""
    _flush()
    os.dup2(saved, STDERR)
    said = PANIC.sub(b"", os.pread(kept, os.lseek(kept, 0, os.SEEK_CUR), 0))
    with suppress(OSError):  # nobody reads it any more
        while said:
            said = said[os.write(STDERR, said) :]


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        with suppress(OSError):
            sys.stderr.flush()
