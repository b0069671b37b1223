"""`stemma lake ls`, `cat` and `log`: what is in a lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import Json, runs

browsers = typer.Typer()
Home = Annotated[
    Path | None, typer.Option(help="Directory of the lake.", show_default="this project's lake")
]
Place = Annotated[str, typer.Argument(help="REPOSITORY/REF/PATH, or the beginning of one.")]


@browsers.command("ls")
@runs("review.commands.lake_browse")
def list_lake(*, place: Place = "", home: Home = None, as_json: Json = False) -> None:
    """List repositories, branches and tags of one, or what is right under a path."""


@browsers.command("cat")
@runs("review.commands.lake_browse", "cat")
def print_object(*, place: Place, home: Home = None, as_json: Json = False) -> None:
    """Print the bytes of an object."""


@browsers.command("log")
@runs("review.commands.lake_browse", "log")
def print_log(
    *,
    place: Annotated[str, typer.Argument(help="REPOSITORY/REF.")],
    amount: Annotated[int, typer.Option("--amount", "-n", min=1, help="How many commits.")] = 20,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the commits of a branch, tag or commit, newest first."""
