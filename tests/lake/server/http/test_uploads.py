"""What an upload takes of the server's memory before it is known to be wanted."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lake.errors import ForbiddenError
from lake.server.http import uploads
from tests.lake.in_process import InProcessLake


def test_a_body_in_tiny_parts_takes_little_more_memory_than_its_bytes(tmp_path: Path) -> None:
    app, part = InProcessLake(tmp_path).lake, 8

    async def tiny() -> AsyncIterator[bytes]:
        for number in range(uploads.SMALL // part):
            yield number.to_bytes(part, "big")

    def refuse() -> None:
        raise ForbiddenError("not wanted")

    tracemalloc.start()
    try:
        with pytest.raises(ForbiddenError):
            asyncio.run(uploads.store(app, tiny(), refuse, lambda stored: stored))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * uploads.SMALL
