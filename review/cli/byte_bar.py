"""A progress bar of work that is counted in bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def byte_bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error, where that is a terminal; it is told bytes done and in all."""
    columns = (TextColumn(doing), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    on_terminal = sys.stderr.isatty()
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not on_terminal) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
