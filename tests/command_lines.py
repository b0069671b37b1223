"""Typer's command line is built once in a process, as in a program, whoever runs it how often.

Building all commands of `stemma` costs 0.08 s of the processor, which thousands of calls in the
process of a test would pay again and again. A built command line has no state: what a run parses is
in the run's own context.
"""

from __future__ import annotations

from functools import cache

import typer.main
import typer.testing


def keep() -> None:
    """Let `app()` and Typer's `CliRunner` find again what was built of the same app."""
    kept = cache(typer.main.get_command)
    typer.main.get_command = kept
    typer.testing._get_command = kept
