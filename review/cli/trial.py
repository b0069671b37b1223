"""`stemma try`: a command in a module of its own, since `try` is no name in Python."""

from __future__ import annotations

from typing import Annotated

import typer

from review.cli.dispatch import Json, runs


@runs("review.commands.trial")
def try_out(
    name: Annotated[str, typer.Argument(help="A round, or a data set: its next round.")],
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=100, help="Candidates.")] = 2,
    as_json: Json = False,
) -> None:
    """Ask for a few candidates of a round; show prompt, answer, verdicts and cost."""
