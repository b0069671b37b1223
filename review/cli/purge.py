"""`stemma takedown purge`, `verify` and `certificate`: what follows a take-down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import Json, runs

Name = Annotated[
    str, typer.Argument(help="Name of a take-down.", metavar="NAME", show_default=False)
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group of take-downs."""
    group.command()(purge)
    group.command()(verify)
    group.command()(certificate)


@runs("review.commands.takedown_purge")
def purge(
    name: Name,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would do, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again.")] = False,
    blockstore: Annotated[
        str | None,
        typer.Option(
            help="The folder or s3://BUCKET under a lake that another server serves, to remove "
            "objects there, with the innocent rows that old versions have in them.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Remove what NAME took from every version of the lake, and from caches; there is no undo."""


@runs("review.commands.takedown_verify")
def verify(
    name: Name,
    *,
    near: Annotated[
        bool, typer.Option("--near/--no-near", help="Look for near-duplicates too.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Search everything that is left; exit 1: something is found, 3: not all could be read."""


@runs("review.commands.takedown_certificate")
def certificate(
    words: Annotated[
        list[str],
        typer.Argument(help="A take-down's name; or `verify` and a file.", metavar="NAME"),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write.", show_default="NAME.certificate…"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a signed account of NAME, or verify one: `certificate verify FILE`."""
