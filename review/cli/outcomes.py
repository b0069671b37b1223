"""Commands about what became of the rows of a round, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import DatasetOption, Json, runs

outcomes = typer.Typer()


@outcomes.command()
@runs("review.commands.losses")
def losses(
    ref: Annotated[
        str, typer.Argument(help="Branch, tag or commit of a round, or a data set: all its rounds.")
    ],
    *,
    dataset: DatasetOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write it as JSON.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what became of every row that a round planned, and of those that main held before it."""


@outcomes.command()
@runs("review.commands.verdicts")
def verdicts(
    ref: Annotated[str, typer.Argument(help="Branch, tag or commit of a round.")],
    *,
    dataset: DatasetOption = None,
    round_number: Annotated[
        int | None,
        typer.Option("--round", min=1, help="Which round.", show_default="the last one"),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with the failures.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Samples to show of each reason.")] = 8,
    as_json: Json = False,
) -> None:
    """Show why candidates of a round did not pass, by expectation and reason, with samples."""
