"""Progress of long work: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from lake.visible import visible

Item = TypeVar("Item")
SECONDS: Final = 10.0
"""At most one line in this time where there is no terminal."""


def track(items: Sequence[Item], name: str) -> Iterator[Item]:
    """Yield the items while telling standard error how far the work is."""
    yield from _bar(name, iterable=items)


@contextmanager
def bar(total: int, name: str) -> Iterator[Callable[[int, int], None]]:
    """A function that is told how much is done, and of how much, while it is.

    Args:
        total: how much there is, as far as is known beforehand.
        name: of the work.
    """
    shown = _bar(name, total=total)

    def told(done: int, of: int) -> None:
        shown.total = of
        shown.update(done - shown.n)

    try:
        yield told
    finally:
        shown.close()


def _bar(name: str, **options: Any) -> Any:  # noqa: ANN401  tqdm is not typed
    from tqdm import tqdm  # noqa: PLC0415  not needed by light commands

    terminal = sys.stderr.isatty()
    pause = 0.2 if terminal else SECONDS
    return tqdm(
        desc=visible(name),
        file=sys.stderr,
        mininterval=pause,
        maxinterval=max(pause, SECONDS),
        delay=0 if terminal else SECONDS,
        bar_format=None if terminal else "{desc}: {n_fmt} of {total_fmt} in {elapsed}\n",
        **options,
    )
