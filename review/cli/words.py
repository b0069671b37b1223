"""`stemma explain`: what words mean."""

from __future__ import annotations

from typing import Annotated

import typer

from review.cli.dispatch import Json, runs

words = typer.Typer()


@words.command()
@runs("review.commands.explain")
def explain(
    term: Annotated[
        str | None,
        typer.Argument(help="A word, such as depth.", show_default="all of them"),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say what a word of the page, the terminal and the documents means."""
