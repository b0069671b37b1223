"""Report the progress of long work: a bar on a terminal, an occasional line anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from lake.visible import visible

Item = TypeVar("Item")
SECONDS: Final = 10.0
"""Least time between two lines where there is no terminal."""


def track(items: Sequence[Item], name: str) -> Iterator[Item]:
    """Yield the items, and report on standard error how many are done."""
    yield from _bar(name, iterable=items)


def told(
    results: Iterable[Item], total: int, report: Callable[[int, int], None], *, every: int = 1
) -> Iterator[Item]:
    """Yield results, and report how many there are: after every so many, and at the end.

    Args:
        results: The results, which may be computed as they are asked for.
        total: How many there will be.
        report: Is called with the amount done and the total.
        every: Results after which it is called.
    """
    for done, result in enumerate(results, start=1):
        yield result
        if done % every == 0 or done == total:
            report(done, total)


@contextmanager
def bar(total: int, name: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress while a function is called with the amount done and the total.

    Args:
        total: The total, as far as it is known beforehand.
        name: Name of the work.
    """
    shown = _bar(name, total=total)

    def report(done: int, of: int) -> None:
        shown.total = of
        shown.update(done - shown.n)

    try:
        yield report
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
