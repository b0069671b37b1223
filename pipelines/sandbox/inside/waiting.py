"""Coroutines of the program that the tests wait for, one turn of the loop after another.

The tests' process has a loop of its own. It begins what it waits for here, and asks again and again
whether it is there; so several coroutines of both processes go on beside each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

IDLE_SECONDS: Final = 0.005
"""Time in which a loop that has nothing to do waits before it says so."""
_LOOPS: Final[list[Any]] = []
_TASKS: Final[list[Any]] = []


def _loop() -> Any:
    import asyncio  # noqa: PLC0415  slow to import

    if not _LOOPS:
        _LOOPS.append(asyncio.new_event_loop())
        asyncio.set_event_loop(_LOOPS[0])
    return _LOOPS[0]


@contextlib.contextmanager
def running(is_running: object) -> Iterator[None]:
    """Let what is called find the loop running, if that of the tests is."""
    if not is_running:
        yield
        return
    import asyncio  # noqa: PLC0415  slow to import

    asyncio._set_running_loop(_loop())  # noqa: SLF001  as a call from a coroutine has it
    try:
        yield
    finally:
        asyncio._set_running_loop(None)  # noqa: SLF001  it takes turns when it is asked to


def begin(awaitable: Any) -> int:
    """Begin to wait: the number of a task."""
    _TASKS.append(_loop().create_task(_waited(awaitable)))
    return len(_TASKS) - 1


def step(number: int) -> tuple[bool, Any]:
    """Let the loop take one turn: whether the task is done, and what came of it."""
    import asyncio  # noqa: PLC0415  slow to import

    loop, task = _loop(), _TASKS[number]
    if not task.done():
        loop.call_soon(loop.stop)
        loop.run_forever()
    if not task.done() and not loop._ready:  # noqa: SLF001  nothing says whether it is idle
        loop.run_until_complete(asyncio.wait([task], timeout=IDLE_SECONDS))
    return (True, task.result()) if task.done() else (False, None)


def cancel(number: int) -> None:
    """Cancel a task, and let it end."""
    import asyncio  # noqa: PLC0415  slow to import

    task = _TASKS[number]
    task.cancel()
    _loop().run_until_complete(asyncio.wait([task]))


async def _waited(awaitable: Any) -> Any:
    return await awaitable
