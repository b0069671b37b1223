"""What is said of a process that ends before its result does."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from review.errors import QueryRefusedError
from review.sql import engine
from review.sql.limits import QueryLimits

HALF_A_BATCH = """
import io, os, sys
import pyarrow as pa
batch, out = pa.record_batch([pa.array(range(100_000))], names=["x"]), io.BytesIO()
with pa.ipc.new_stream(out, batch.schema) as writer:
    writer.write_batch(batch)
    writer.write_batch(batch)
sys.stdout.buffer.write(out.getvalue()[:-400_000])
sys.stdout.buffer.flush()
os.kill(os.getpid(), 9)
"""


def test_a_process_that_is_killed_within_a_batch_is_a_refusal() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HALF_A_BATCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        answer = engine._answer(process, threading.Event(), QueryLimits(rows=10**6))
        batches = answer.batches()
        assert len(next(batches)) == 100_000
        with pytest.raises(QueryRefusedError, match="more memory or time than it may"):
            next(batches)
