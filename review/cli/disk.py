"""`stemma du` and `stemma clean`: what holds the disk, and what nothing refers to."""

from __future__ import annotations

from typing import Annotated

import typer

from review.cli.dispatch import Json, runs

disks = typer.Typer()


@disks.command("du")
@runs("review.commands.du")
def disk_usage(*, as_json: Json = False) -> None:
    """Say what of this project holds the disk: lake, models, answers, caches."""


@disks.command("clean")
@runs("review.commands.clean")
def clean_up(
    *,
    answers: Annotated[
        bool,
        typer.Option("--answers", help="Also answers of services, which were paid for."),
    ] = False,
    caches: Annotated[
        bool, typer.Option("--caches", help="Also scores and indexes, which are computed again.")
    ] = False,
    keep: Annotated[
        str,
        typer.Option(help="How long to keep commits that a branch or tag has left: 7d, 12h, 0."),
    ] = "7d",
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be removed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Free what nothing of this project refers to, after saying what."""
