"""Threads beside the event loop, where requests wait for the disk and the catalog.

Handing a request to a thread costs as much as a small read, so each takes one hop. Reads of small
objects have few threads of their own: they wait for nothing but the disk, and more threads would
only take the interpreter from each other. Uploads have more, since they wait for flushes that they
share, and no number of waiting writers keeps a read waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

_READING: Final = ThreadPoolExecutor(4, thread_name_prefix="read")
_WRITING: Final = ThreadPoolExecutor(16, thread_name_prefix="write")

Result = TypeVar("Result")
Given = ParamSpec("Given")


async def reading(
    call: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Call a function that reads little, in a thread."""
    return await _run(_READING, partial(call, *args, **kwargs))


async def writing(
    call: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Call a function that writes, in a thread."""
    return await _run(_WRITING, partial(call, *args, **kwargs))


async def _run(pool: ThreadPoolExecutor, call: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(pool, call)
