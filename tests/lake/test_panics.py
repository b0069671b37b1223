"""What a panic prints is dropped, and what others write meanwhile is not."""

from __future__ import annotations

import os

import pytest

from lake import panics

PANIC = b"""
thread 'async-executor-1' (8945) panicked at crates/polars/src/lib.rs:418:9:
assertion `left == right` failed
  left: 2999
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

"""


def test_what_others_write_comes_after_the_block(capfd: pytest.CaptureFixture[str]) -> None:
    with panics.unsaid():
        os.write(2, b"before\n" + PANIC + b"between\n" + PANIC + b"after\n")
    assert capfd.readouterr().err == "before\n\nbetween\n\nafter\n"
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"
