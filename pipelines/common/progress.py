"""Report the progress of long work: a bar on a terminal, an occasional line anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO, TypeVar

from lake.visible import visible

Item = TypeVar("Item")
TIMED: Final = range(2, 10)
"""Items that are timed; those before them take longer, since libraries prepare themselves."""
LONG: Final = 60.0
"""Seconds of work from which its length is said beforehand."""
SECONDS: Final = 10.0
"""Least time between two lines where there is no terminal."""
_WATCHING: Final[list[Callable[[str, int, int], None]]] = []
"""What is told how far each bar is."""


def track(items: Sequence[Item], name: str) -> Iterator[Item]:
    """Yield the items, and report on standard error how many are done."""
    yield from _bar(name, iterable=items)


def announced(items: Sequence[Item], name: str, what: str) -> Iterator[Item]:
    """Yield the items as `track` does, and say once how long all will take, if it is long.

    Args:
        items: The work, each part of which takes about as long as another.
        name: Name of the work.
        what: What the items are, such as "steps".
    """
    began = 0.0
    for done, item in enumerate(track(items, name)):
        if done == TIMED.start:
            began = time.monotonic()
        if done == TIMED.stop:
            each = (time.monotonic() - began) / len(TIMED)
            _announce(f"{name}: {len(items):,} {what}", len(items) * each)
        yield item


def _announce(work: str, seconds: float) -> None:
    """Say how long work will take, if it is longer than `LONG`."""
    from tqdm import tqdm  # noqa: PLC0415  not needed by light commands

    if seconds < LONG:
        return
    sentence = f"{work} take about {round(seconds / 60):,} min if this machine stays as busy"
    tqdm.write(visible(sentence), file=sys.stderr)


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


class Bar:
    """A bar that is called with the amount done and the total."""

    def __init__(self, total: int, name: str) -> None:
        """Show nothing done."""
        self._bar = _bar(name, total=total)

    def __call__(self, done: int, of: int) -> None:
        """Show that so many of so many are done."""
        self._bar.total = of
        self._bar.update(done - self._bar.n)

    def note(self, text: str) -> None:
        """Show further figures beside the amount, from the next time on that it is shown."""
        self._bar.set_postfix_str(visible(text), refresh=False)

    def close(self) -> None:
        """End it."""
        self._bar.close()


@contextmanager
def bar(total: int, name: str) -> Iterator[Bar]:
    """Show progress while a function is called with the amount done and the total.

    Args:
        total: The total, as far as it is known beforehand.
        name: Name of the work.
    """
    shown = Bar(total, name)
    try:
        yield shown
    finally:
        shown.close()


@contextmanager
def watched(tell: Callable[[str, int, int], None]) -> Iterator[None]:
    """Tell a function how far each bar is while the `with` block lasts.

    Args:
        tell: Is called with the name of the work, the amount done, and the total, or 0 where it is
            not known.
    """
    _WATCHING.append(tell)
    try:
        yield
    finally:
        _WATCHING.remove(tell)


class _Lines:
    """An output without carriage returns, which are for terminals, and without empty lines."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        line = text.replace("\r", "").strip()
        return self._out.write(f"{line}\n") if line else 0

    def flush(self) -> None:
        self._out.flush()


def _bar(name: str, **options: Any) -> Any:  # noqa: ANN401  tqdm is not typed
    from tqdm import tqdm  # noqa: PLC0415  not needed by light commands

    class Watched(tqdm):  # type: ignore[misc]
        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            for tell in _WATCHING:
                tell(name, int(self.n), int(self.total or 0))
            return shown

    terminal = sys.stderr.isatty()
    pause = 0.2 if terminal else SECONDS
    return Watched(
        desc=visible(name),
        file=sys.stderr if terminal else _Lines(sys.stderr),
        mininterval=pause,
        maxinterval=max(pause, SECONDS),
        delay=0 if terminal else SECONDS,
        bar_format=None if terminal else "{desc}: {n_fmt} of {total_fmt} in {elapsed}{postfix}\n",
        **options,
    )
