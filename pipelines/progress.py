"""Progress of long work: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")
SECONDS: Final = 10.0
"""At most one line in this time where there is no terminal."""


def track(items: Sequence[Item], name: str) -> Iterator[Item]:
    """Yield the items while telling standard error how far the work is."""
    from tqdm import tqdm  # noqa: PLC0415  not needed by light commands

    terminal = sys.stderr.isatty()
    pause = 0.2 if terminal else SECONDS
    bar = tqdm(
        items,
        desc=name,
        file=sys.stderr,
        mininterval=pause,
        maxinterval=max(pause, SECONDS),
        delay=0 if terminal else SECONDS,
        bar_format=None if terminal else "{desc}: {n_fmt} of {total_fmt} in {elapsed}\n",
    )
    yield from bar
