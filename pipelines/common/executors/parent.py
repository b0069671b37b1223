"""A worker that ends with the process that started it, however that ended."""

from __future__ import annotations

import os
import threading
from typing import Final

LOOK_SECONDS: Final = 0.5
"""How often a worker looks whether the process that started it is still there."""
_WATCHING: Final = threading.Event()


def end_with(parent: int | None = None) -> None:
    """End this process once its parent has gone; called again, it does nothing.

    Args:
        parent: number of the parent, where it may have gone already; None: the present one.
    """
    if _WATCHING.is_set():
        return
    _WATCHING.set()
    known = os.getppid() if parent is None else parent
    threading.Thread(target=_watch, args=(known,), daemon=True).start()


def _watch(parent: int) -> None:
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(LOOK_SECONDS)
    os._exit(1)
