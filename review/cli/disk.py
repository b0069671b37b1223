"""`stemma du`: what holds the disk."""

from __future__ import annotations

import typer

from review.cli.dispatch import Json, runs

disks = typer.Typer()


@disks.command("du")
@runs("review.commands.du")
def disk_usage(*, as_json: Json = False) -> None:
    """Say what of this project holds the disk: lake, models, answers, caches."""
