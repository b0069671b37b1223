"""The frames that candidates are compared with while a suite runs: real rows, by the name `real`.

Great Expectations passes an expectation its own batch only, so the other frames are held in a
context variable during a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import polars as pl

from expectations.errors import CannotJudge

FRAMES: Final[ContextVar[Mapping[str, pl.DataFrame]]] = ContextVar("stemma_references", default={})  # noqa: B039  never changed


@contextmanager
def using(frames: Mapping[str, pl.DataFrame]) -> Iterator[None]:
    """Provide these frames while a suite runs."""
    token = FRAMES.set(frames)
    try:
        yield
    finally:
        FRAMES.reset(token)


def frame(name: str) -> pl.DataFrame:
    """Return the frame of this name.

    Raises:
        CannotJudge: there is none.
    """
    rows = FRAMES.get().get(name)
    if rows is None:
        raise CannotJudge(f"there are no rows named {name!r} to compare with")
    return rows
