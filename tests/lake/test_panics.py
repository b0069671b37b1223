"""What a panic prints is dropped, and what others write meanwhile is not."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lake import panics

PANIC = b"""
thread 'async-executor-1' (8945) panicked at crates/polars/src/lib.rs:418:9:
assertion `left == right` failed
  left: 2999
 right: 3000
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
NEXT = b"""
thread 'async-executor-0' (8946) panicked at crates/polars/src/mod.rs:432:30:
called `Result::unwrap()` on an `Err` value: OutOfSpec("Thrift out of range")
"""
TRACED = b"""
thread '<unnamed>' panicked at crates/polars/src/mod.rs:432:30:
explicit panic
stack backtrace:
   0: core::panicking::panic_fmt
             at /rustc/library/core/src/panicking.rs:75:14
      [... omitted 3 frames ...]
  10: <polars::Task<T> as polars::Runnable>::run
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
"""
READ = """
import io, sys
import polars as pl
from lake import errors, tables
file = io.BytesIO()
pl.DataFrame({"a": list(range(40))}).write_parquet(file, compression="uncompressed")
whole = file.getvalue()
try:
    tables.decode([whole[:384] + b"N" + whole[385:]])
except errors.CorruptError as error:
    print(type(error.__cause__).__name__, file=sys.stderr)
"""


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the idle threads that other tests left in this process."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("alone")
def test_what_others_write_comes_after_the_block(capfd: pytest.CaptureFixture[str]) -> None:
    with panics.unsaid():
        os.write(2, b"before\n" + PANIC + b"\nbetween\n" + PANIC + b"\nafter\n")
    assert capfd.readouterr().err == "before\n\nbetween\n\nafter\n"
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("panic", [PANIC, NEXT, TRACED, PANIC + NEXT, NEXT + TRACED + NEXT])
@pytest.mark.parametrize("line", ["stemma: it is damaged\n", "  left over\n", "note: slow\n", "\n"])
def test_a_line_right_after_a_panic_stays(
    panic: bytes, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with panics.unsaid():
        os.write(2, b"unfinished" + panic + line.encode() + b"more\n")
    assert capfd.readouterr().err == f"unfinished{line}more\n"


@pytest.mark.usefixtures("alone")
def test_without_a_temporary_folder_a_read_is_unshielded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        with panics.unsaid():
            os.write(2, b"said\n")
            assert capfd.readouterr().err == "said\n"


@contextmanager
def full_disk() -> Iterator[int]:
    """Let no file of this process take a byte, and standard error lead into the pipe given."""
    tempfile.gettempdir()  # was found before the disk was full
    saved, (end, start) = os.dup(2), os.pipe()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    os.dup2(start, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield end
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        os.dup2(saved, 2)
        for descriptor in (saved, start, end):
            os.close(descriptor)


@pytest.mark.usefixtures("alone")
def test_on_a_full_disk_a_read_is_unshielded() -> None:
    with full_disk() as end, panics.unsaid():
        os.write(2, b"said\n")
        said = os.read(end, 100)
    assert said == b"said\n"


@pytest.mark.usefixtures("alone")
def test_no_descriptor_stays_open_and_an_error_passes() -> None:
    opened = Path("/proc/self/fd")
    before, standard = {path.name for path in opened.iterdir()}, os.fstat(2)
    with pytest.raises(KeyError), panics.unsaid():
        raise KeyError
    assert {path.name for path in opened.iterdir()} == before
    assert os.path.samestat(os.fstat(2), standard)


def test_reads_in_threads_leave_standard_error_to_the_others(
    capfd: pytest.CaptureFixture[str],
) -> None:
    together = threading.Barrier(3, timeout=5)

    def read() -> None:
        with panics.unsaid():
            together.wait()
            together.wait()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    together.wait()
    os.write(2, b"first\n")
    subprocess.run([sys.executable, "-S", "-c", "import os; os.write(2, b'child\\n')"], check=True)
    os.write(2, b"last\n")
    said = capfd.readouterr().err
    together.wait()
    for reader in readers:
        reader.join()
    assert said == "first\nchild\nlast\n"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("trace", ["0", "1"])
def test_a_process_says_nothing_of_a_panic(trace: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ],
        env=os.environ | {"RUST_BACKTRACE": trace},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "PanicException\n"
